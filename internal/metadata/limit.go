package metadata

import (
	"sync"
	"time"
)

// How many requests a caller may make.
const (
	perSecond  = 40
	burst      = 60
	maxCallers = 4096 // kept apart; full buckets are forgotten first
)

// limiter is a token bucket for each caller.
type limiter struct {
	now     func() time.Time
	mu      sync.Mutex
	buckets map[Caller]bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newLimiter(now func() time.Time) *limiter {
	return &limiter{now: now, buckets: map[Caller]bucket{}}
}

// allow takes a token of the caller; false when there is none.
func (l *limiter) allow(c Caller) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	b, ok := l.buckets[c]
	if !ok {
		if len(l.buckets) >= maxCallers {
			l.forgetFull(now)
		}
		b = bucket{burst, now}
	}
	b = b.filled(now)
	allowed := b.tokens >= 1
	if allowed {
		b.tokens--
	}
	l.buckets[c] = b
	return allowed
}

// filled fills the bucket up to now.
func (b bucket) filled(now time.Time) bucket {
	return bucket{min(burst, b.tokens+now.Sub(b.at).Seconds()*perSecond), now}
}

// forgetFull drops the buckets of callers that were silent for a while.
func (l *limiter) forgetFull(now time.Time) {
	for c, b := range l.buckets {
		if b.filled(now).tokens >= burst {
			delete(l.buckets, c)
		}
	}
}

package agent

import (
	"context"
	"time"

	"github.com/neargate/neargate/internal/ecs/insights"
	"github.com/neargate/neargate/internal/state"
)

var _ insights.Meter = (*Agent)(nil)

// sample is what a container had used at some time.
type sample struct {
	at     time.Time
	cpu    time.Duration
	rx, tx uint64
}

// Usage implements insights.Meter: the use since it was asked last, or since the
// container's start.
func (a *Agent) Usage(ctx context.Context, t *state.Task) map[string]insights.Usage {
	out := map[string]insights.Usage{}
	l := a.of(t)
	for i, c := range t.Containers {
		now, err := a.Runtime.Stats(ctx, runtimeID(t, i))
		if err != nil {
			continue // it does not run
		}
		have := sample{at: now.At, cpu: now.CPU}
		if seen, err := a.Runtime.Inspect(ctx, runtimeID(t, i)); err == nil && seen.PID > 0 {
			if n, ok := interfaceCounters(seen.PID); ok {
				have.rx, have.tx = n.RxBytes, n.TxBytes
			}
		}
		l.mu.Lock()
		before, known := l.samples[c.Name]
		l.samples[c.Name] = have
		l.mu.Unlock()
		if !known {
			before = sample{at: c.StartedAt}
		}
		u := insights.Usage{Memory: float64(now.Memory) / (1 << 20)}
		if seconds := have.at.Sub(before.at).Seconds(); seconds > 0 && have.cpu >= before.cpu {
			u.CPU = (have.cpu - before.cpu).Seconds() / seconds * 1024
			u.Rx, u.Tx = rate(before.rx, have.rx, seconds), rate(before.tx, have.tx, seconds)
		}
		out[c.Name] = u
	}
	return out
}

func rate(before, now uint64, seconds float64) float64 {
	if now < before {
		return 0
	}
	return float64(now-before) / seconds
}

package metrics

import (
	"sync"
	"time"
)

// Metric is where values of one kind are recorded: they go into one series, or into
// several that differ in their dimensions. Safe for concurrent use; the zero value
// forgets what it is given.
type Metric struct {
	store *Store
	keys  []Key

	mu     sync.Mutex
	minute int64 // of last, in seconds since 1970
	last   *Point
	open   map[int64]*Point // what is not stored yet; nil: nothing
}

// Metric returns the metric of a key, which counts for the other sets of dimensions,
// too. A nil store's metrics forget what they are given.
func (s *Store) Metric(k Key, also ...Dimensions) *Metric {
	m := &Metric{store: s, keys: []Key{k}}
	for _, d := range also {
		k.Dimensions = d
		m.keys = append(m.keys, k)
	}
	return m
}

// Record counts a value.
func (m *Metric) Record(at time.Time, v float64) { m.RecordMany(at, v, 1) }

// RecordMany counts a value n times.
func (m *Metric) RecordMany(at time.Time, v, n float64) {
	if m.store == nil {
		return
	}
	minute := at.Unix()
	minute -= minute % 60
	m.mu.Lock()
	fresh := m.open == nil
	if m.last == nil || m.minute != minute {
		m.turn(minute)
	}
	m.last.Add(v, n)
	m.mu.Unlock()
	if fresh {
		m.store.noteDirty(m)
	}
}

// turn makes the point of a minute the one that is recorded into.
func (m *Metric) turn(minute int64) {
	if m.open == nil {
		m.open = map[int64]*Point{}
	}
	p := m.open[minute]
	if p == nil {
		p = &Point{}
		m.open[minute] = p
	}
	m.minute, m.last = minute, p
}

// take returns what is not stored yet, by minute, and begins anew.
func (m *Metric) take() map[int64]*Point {
	m.mu.Lock()
	defer m.mu.Unlock()
	open := m.open
	m.open, m.last = nil, nil
	return open
}

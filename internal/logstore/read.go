package logstore

import (
	"cmp"
	"errors"
	"io/fs"
	"iter"
	"math"
	"os"
	"slices"
)

// Range is which events of a stream to read, and in which direction.
type Range struct {
	From     int64     // earliest time, inclusive
	To       int64     // latest time, inclusive; 0 stands for no end
	After    *Position // forward: only events behind it; backward: only events before it
	Backward bool      // latest first
}

// wants reports whether the range takes the event at p.
func (r Range) wants(p Position) bool {
	if p.Time < r.From || p.Time > r.To {
		return false
	}
	switch {
	case r.After == nil:
		return true
	case r.Backward:
		return p.Before(*r.After)
	}
	return r.After.Before(p)
}

// overlaps reports whether the block can hold events that the range wants.
func (r Range) overlaps(b block) bool {
	if b.last < r.From || b.first > r.To {
		return false
	}
	switch {
	case r.After == nil:
		return true
	case r.Backward:
		return b.start().Before(*r.After)
	}
	return r.After.Before(b.end())
}

// Read yields the events of a stream in the range, in order. After an error it ends.
func (s *Store) Read(id string, r Range) iter.Seq2[Event, error] {
	if r.To == 0 {
		r.To = math.MaxInt64
	}
	return func(yield func(Event, error) bool) {
		st, err := s.open(id)
		if err != nil {
			yield(Event{}, err)
			return
		}
		rd := &reader{stream: st, Range: r}
		defer rd.close()
		for _, b := range st.snapshot() {
			if r.overlaps(b) {
				rd.blocks = append(rd.blocks, b)
			}
		}
		slices.SortFunc(rd.blocks, func(a, b block) int { return rd.compare(rd.near(a), rd.near(b)) })
		rd.run(yield)
	}
}

// reader merges blocks, whose times may overlap, into one order.
type reader struct {
	Range
	stream  *stream
	blocks  []block // not yet read, in order of their nearest event
	pending []Event // read, sorted, not yet yielded
	file    *os.File
	segment int
}

// near is the event of a block that comes first in the reading direction.
func (r *reader) near(b block) Position {
	if r.Backward {
		return b.end()
	}
	return b.start()
}

func (r *reader) compare(a, b Position) int {
	c := cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Seq, b.Seq))
	if r.Backward {
		return -c
	}
	return c
}

func (r *reader) run(yield func(Event, error) bool) {
	for len(r.blocks) > 0 || len(r.pending) > 0 {
		// An event may go out once no unread block can hold an earlier one.
		if len(r.blocks) > 0 && (len(r.pending) == 0 || r.compare(r.near(r.blocks[0]), r.pending[0].Position()) < 0) {
			if err := r.next(); err != nil {
				yield(Event{}, err)
				return
			}
			continue
		}
		if !yield(r.pending[0], nil) {
			return
		}
		r.pending = r.pending[1:]
	}
}

// next reads one more block into pending.
func (r *reader) next() error {
	b := r.blocks[0]
	r.blocks = r.blocks[1:]
	if r.file == nil || r.segment != b.segment {
		r.close()
		f, err := os.Open(r.stream.path(b.segment))
		if errors.Is(err, fs.ErrNotExist) {
			return nil // trimmed or deleted meanwhile
		}
		if err != nil {
			return err
		}
		r.file, r.segment = f, b.segment
	}
	events, err := readBlock(r.file, b)
	if err != nil {
		return err
	}
	overlapping := len(r.pending) > 0
	for _, e := range events {
		if r.wants(e.Position()) {
			r.pending = append(r.pending, e)
		}
	}
	if overlapping || r.Backward {
		slices.SortFunc(r.pending, func(a, b Event) int { return r.compare(a.Position(), b.Position()) })
	}
	return nil
}

func (r *reader) close() {
	if r.file != nil {
		r.file.Close()
		r.file = nil
	}
}

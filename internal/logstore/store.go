package logstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// segmentSize is how large a segment grows before the next is begun.
const segmentSize = 16 << 20

// maxBatch bounds the messages of a batch together: a block's lengths are 32 bits.
const maxBatch = 64 << 20

// Store is a folder of streams. One process at a time uses a folder.
type Store struct {
	dir     string
	mu      sync.Mutex
	streams map[string]*stream
}

// Open opens the store in a folder, which is made if need be.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return &Store{dir: dir, streams: map[string]*stream{}}, nil
}

// ErrBadID is returned for a stream id that is not 4 to 64 lower-case letters and digits.
var ErrBadID = errors.New("not a stream id")

// ErrOrder is returned by Append for a batch that is not in order of time.
var ErrOrder = errors.New("log events are not in chronological order")

func checkID(id string) error {
	if len(id) < 4 || len(id) > 64 {
		return ErrBadID
	}
	for _, c := range id {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return ErrBadID
		}
	}
	return nil
}

// open returns the stream of an id, reading its index from disk when it is first used.
func (s *Store) open(id string) (*stream, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	s.mu.Lock()
	st := s.streams[id]
	if st == nil {
		st = &stream{dir: filepath.Join(s.dir, id[:2], id), arrived: make(chan struct{})}
		s.streams[id] = st
	}
	s.mu.Unlock()
	st.mu.Lock()
	defer st.mu.Unlock()
	return st, st.load()
}

// Append adds a batch, which must be in order of time, to a stream, which is
// made by its first batch. It returns when the batch is on disk. Each event gets
// the ingestion time of the first. An empty batch does nothing.
func (s *Store) Append(id string, events []Event) error {
	if len(events) == 0 {
		return nil
	}
	size := 0
	for i, e := range events {
		if size += len(e.Message); i > 0 && e.Time < events[i-1].Time {
			return ErrOrder
		}
	}
	if size > maxBatch {
		return fmt.Errorf("a batch of %d bytes is too large", size)
	}
	st, err := s.open(id)
	if err != nil {
		return err
	}
	return st.append(events)
}

// Last returns the events of the batch that was appended last; none in a stream
// without events.
func (s *Store) Last(id string) ([]Event, error) {
	st, err := s.open(id)
	if err != nil {
		return nil, err
	}
	blocks := st.snapshot()
	if len(blocks) == 0 {
		return nil, nil
	}
	last := blocks[len(blocks)-1]
	f, err := os.Open(st.path(last.segment))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readBlock(f, last)
}

// Info says what a stream holds.
type Info struct {
	Events       uint64 // that are still kept
	Bytes        int64  // of messages and their framing
	First, Last  int64  // times of the earliest and latest event; 0 without events
	LastIngested int64
}

// Info describes a stream; one that was never written is empty.
func (s *Store) Info(id string) (Info, error) {
	st, err := s.open(id)
	if err != nil {
		return Info{}, err
	}
	var info Info
	for i, b := range st.snapshot() {
		info.Events += uint64(b.count)
		info.Bytes += int64(b.length)
		if i == 0 || b.first < info.First {
			info.First = b.first
		}
		info.Last = max(info.Last, b.last)
		info.LastIngested = max(info.LastIngested, b.ingested)
	}
	return info, nil
}

// Arrival returns a channel that is closed when the next batch arrives: take
// it, read what is there, then wait.
func (s *Store) Arrival(id string) (<-chan struct{}, error) {
	st, err := s.open(id)
	if err != nil {
		return nil, err
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.arrived, nil
}

// Delete forgets a stream and its events. One that does not exist is no error.
func (s *Store) Delete(id string) error {
	if err := checkID(id); err != nil {
		return err
	}
	s.mu.Lock()
	st := s.streams[id]
	delete(s.streams, id)
	s.mu.Unlock()
	if st != nil {
		st.mu.Lock()
		defer st.mu.Unlock()
		st.deleted = true
	}
	return os.RemoveAll(filepath.Join(s.dir, id[:2], id))
}

// Trim deletes the segments of a stream whose events are all older than before
// (milliseconds since 1970). Younger segments keep their older events: readers
// say themselves from which time on they read.
func (s *Store) Trim(id string, before int64) error {
	st, err := s.open(id)
	if err != nil {
		return err
	}
	return st.trim(before)
}

// IDs lists the streams that have a folder, sorted.
func (s *Store) IDs() ([]string, error) {
	found, err := filepath.Glob(filepath.Join(s.dir, "*", "*"))
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(found))
	for _, path := range found {
		ids = append(ids, filepath.Base(path))
	}
	slices.Sort(ids)
	return ids, nil
}

package logstore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/neargate/neargate/internal/fault"
)

// stream is one stream: its index in memory, its segments on disk.
type stream struct {
	dir string

	mu      sync.Mutex // guards the rest, and the end of the last segment
	loaded  bool
	deleted bool
	blocks  []block // in order of arrival; replaced, never changed, so that readers may keep it
	segment int     // number of the last segment, 0 without
	size    int64   // of the last segment
	next    uint64  // seq of the next event
	arrived chan struct{}
}

var errDeleted = errors.New("the log stream is being deleted")

func (s *stream) snapshot() []block {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.blocks
}

func (s *stream) path(segment int) string {
	return filepath.Join(s.dir, fmt.Sprintf("%08d.log", segment))
}

// load reads the headers of all blocks. The caller holds mu.
func (s *stream) load() error {
	if s.deleted {
		return errDeleted
	}
	if s.loaded {
		return nil
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.next = 1
	for _, e := range entries { // sorted by name
		n, err := strconv.Atoi(strings.TrimSuffix(e.Name(), ".log"))
		if err != nil {
			continue
		}
		if err := s.loadSegment(n); err != nil {
			return fmt.Errorf("reading %s: %w", s.path(n), err)
		}
	}
	s.loaded = true
	return nil
}

// loadSegment reads the headers of one segment, and cuts off what a crash left
// unfinished at its end.
func (s *stream) loadSegment(n int) error {
	f, err := os.OpenFile(s.path(n), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return err
	}
	at, header := int64(0), make([]byte, headerSize)
	var last *block
	for at < stat.Size() {
		if _, err := f.ReadAt(header, at); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		b, err := parseHeader(header)
		if err != nil || at+headerSize+int64(b.length) > stat.Size() {
			break
		}
		b.segment, b.offset = n, at+headerSize
		s.blocks = append(s.blocks, b)
		last = &b
		at = b.offset + int64(b.length)
		clear(header)
	}
	// Only the last block can have a good header and yet not its content.
	if last != nil {
		if _, err := readBlock(f, *last); err != nil {
			s.blocks = s.blocks[:len(s.blocks)-1]
			at = last.offset - headerSize
		}
	}
	if at < stat.Size() {
		if err := f.Truncate(at); err != nil {
			return err
		}
	}
	if len(s.blocks) > 0 {
		s.next = s.blocks[len(s.blocks)-1].end().Seq + 1
	}
	s.segment, s.size = n, at
	return nil
}

func (s *stream) append(events []Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deleted {
		return errDeleted
	}
	data := encodeBlock(events, s.next)
	if s.segment == 0 || s.size > 0 && s.size+int64(len(data)) > segmentSize {
		if err := s.begin(); err != nil {
			return err
		}
	}
	if err := s.write(data); err != nil {
		// What stands behind the last good block is not part of the stream.
		os.Truncate(s.path(s.segment), s.size)
		return err
	}
	b, err := parseHeader(data)
	if err != nil {
		return err
	}
	b.segment, b.offset = s.segment, s.size+headerSize
	s.blocks = append(s.blocks, b)
	s.size += int64(len(data))
	s.next += uint64(len(events))
	close(s.arrived)
	s.arrived = make(chan struct{})
	return nil
}

// begin makes the next segment.
func (s *stream) begin() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(s.path(s.segment+1), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	for _, dir := range []string{s.dir, filepath.Dir(s.dir), filepath.Dir(filepath.Dir(s.dir))} {
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	s.segment++
	s.size = 0
	return nil
}

// write puts a block at the end of the last segment.
func (s *stream) write(data []byte) error {
	f, err := os.OpenFile(s.path(s.segment), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	fault.Point("logstore.append")
	if _, err := f.WriteAt(data, s.size); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	fault.Point("logstore.appended")
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// trim removes whole segments from the front; never the last, which is written to.
func (s *stream) trim(before int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	keep := map[int]bool{s.segment: true}
	for _, b := range s.blocks {
		if b.last >= before {
			keep[b.segment] = true
		}
	}
	gone := map[int]bool{}
	for _, b := range s.blocks {
		if !keep[b.segment] {
			gone[b.segment] = true
		}
	}
	if len(gone) == 0 {
		return nil
	}
	s.blocks = slices.DeleteFunc(slices.Clone(s.blocks), func(b block) bool { return gone[b.segment] })
	for n := range gone {
		fault.Point("logstore.expire")
		if err := os.Remove(s.path(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func readBlock(f *os.File, b block) ([]Event, error) {
	payload := make([]byte, b.length)
	if _, err := f.ReadAt(payload, b.offset); err != nil {
		return nil, err
	}
	return decodePayload(b, payload)
}

package blob

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"os"
)

// ObjectWriter receives one object. It is for one goroutine, and ends with
// Commit or Abort.
type ObjectWriter struct {
	objects *Objects
	path    string
	file    *os.File // nil once committed or aborted
	aead    cipher.AEAD
	plain   []byte // the chunk being filled; sealed in place
	chunk   int64
	size    int64
}

// Create starts the object with the given id (lower-case letters and digits).
func (o *Objects) Create(id string) (*ObjectWriter, error) {
	path, err := o.path(id)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(o.temp, "object-*")
	if err != nil {
		return nil, err
	}
	h := newHeader()
	aead, err := o.key.cipher(h)
	if err == nil {
		_, err = f.Write(h[:])
	}
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		return nil, err
	}
	return &ObjectWriter{objects: o, path: path, file: f, aead: aead}, nil
}

// Write appends to the object.
func (w *ObjectWriter) Write(p []byte) (int, error) {
	if w.file == nil {
		return 0, os.ErrClosed
	}
	if w.plain == nil {
		w.plain = make([]byte, 0, chunkSize+tagSize)
	}
	total := len(p)
	for len(p) > 0 {
		if len(w.plain) == chunkSize { // only now is it known not to be the last
			if err := w.flush(false); err != nil {
				return total - len(p), err
			}
		}
		n := min(len(p), chunkSize-len(w.plain))
		w.plain = append(w.plain, p[:n]...)
		w.size += int64(n)
		p = p[n:]
	}
	return total, nil
}

func (w *ObjectWriter) flush(last bool) error {
	sealed := w.aead.Seal(w.plain[:0], nonce(w.chunk, last), w.plain, nil)
	w.chunk++
	_, err := w.file.Write(sealed)
	w.plain = w.plain[:0]
	return err
}

// Size is the number of bytes received so far.
func (w *ObjectWriter) Size() int64 { return w.size }

// Commit makes the object durable and visible.
func (w *ObjectWriter) Commit() error {
	if w.file == nil {
		return os.ErrClosed
	}
	err := w.flush(true)
	file := w.file
	w.file = nil
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = publish(file.Name(), w.path)
	}
	if err != nil {
		os.Remove(file.Name())
	}
	return err
}

// Abort throws the object away. After Commit it does nothing.
func (w *ObjectWriter) Abort() {
	if w.file != nil {
		w.file.Close()
		os.Remove(w.file.Name())
		w.file = nil
	}
}

// ObjectReader reads an object. ReadAt may be called from several goroutines.
type ObjectReader struct {
	file   *os.File
	aead   cipher.AEAD
	size   int64
	chunks int64
}

// Open opens an object, or returns ErrNotFound.
func (o *Objects) Open(id string) (*ObjectReader, error) {
	path, err := o.path(id)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, notFound(err)
	}
	r, err := o.reader(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("object %s: %w", id, err)
	}
	return r, nil
}

func (o *Objects) reader(f *os.File) (*ObjectReader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size, chunks, err := layout(info.Size())
	if err != nil {
		return nil, err
	}
	h, err := readHeader(f)
	if err != nil {
		return nil, err
	}
	aead, err := o.key.cipher(h)
	if err != nil {
		return nil, err
	}
	return &ObjectReader{file: f, aead: aead, size: size, chunks: chunks}, nil
}

// Size is the object's size in bytes.
func (r *ObjectReader) Size() int64 { return r.size }

// Close closes the object.
func (r *ObjectReader) Close() error { return r.file.Close() }

// ReadAt reads from an offset, as io.ReaderAt says. A damaged chunk is ErrCorrupt.
func (r *ObjectReader) ReadAt(p []byte, offset int64) (int, error) {
	if offset < 0 {
		return 0, fmt.Errorf("offset %d is negative", offset)
	}
	var buffer []byte
	done := 0
	for done < len(p) && offset < r.size {
		if buffer == nil {
			buffer = make([]byte, chunkSize+tagSize)
		}
		chunk := offset / chunkSize
		plain, err := r.chunk(buffer, chunk)
		if err != nil {
			return done, err
		}
		n := copy(p[done:], plain[offset-chunk*chunkSize:])
		done += n
		offset += int64(n)
	}
	if done < len(p) {
		return done, io.EOF
	}
	return done, nil
}

// chunk reads and opens one chunk in place.
func (r *ObjectReader) chunk(buffer []byte, n int64) ([]byte, error) {
	length := int64(chunkSize)
	last := n == r.chunks-1
	if last {
		length = r.size - n*chunkSize
	}
	sealed := buffer[:length+tagSize]
	if _, err := r.file.ReadAt(sealed, headerSize+n*(chunkSize+tagSize)); err != nil {
		return nil, fmt.Errorf("%w: chunk %d: %w", ErrCorrupt, n, err)
	}
	plain, err := r.aead.Open(sealed[:0], nonce(n, last), sealed, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: chunk %d", ErrCorrupt, n)
	}
	return plain, nil
}

// Section returns a reader of length bytes from an offset. It reads each chunk
// once however small the pieces are that its user asks for.
func (r *ObjectReader) Section(offset, length int64) io.Reader {
	return &section{object: r, offset: offset, end: min(offset+length, r.size)}
}

type section struct {
	object      *ObjectReader
	offset, end int64
	buffer      []byte
	plain       []byte // what is left of the chunk read last
}

func (s *section) Read(p []byte) (int, error) {
	if s.offset >= s.end {
		return 0, io.EOF
	}
	if len(s.plain) == 0 {
		if s.buffer == nil {
			s.buffer = make([]byte, chunkSize+tagSize)
		}
		chunk := s.offset / chunkSize
		plain, err := s.object.chunk(s.buffer, chunk)
		if err != nil {
			return 0, err
		}
		s.plain = plain[s.offset-chunk*chunkSize:]
	}
	n := copy(p, s.plain[:min(int64(len(s.plain)), s.end-s.offset)])
	s.plain = s.plain[n:]
	s.offset += int64(n)
	return n, nil
}

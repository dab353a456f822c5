package s3

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/blob"
	"github.com/neargate/neargate/internal/state"
)

// span is a part of an object: the bytes from start up to, but without, end.
type span struct{ start, end int64 }

func (r span) size() int64 { return r.end - r.start }

// contentRange is the header that names the span.
func (r span) contentRange(total int64) string {
	return "bytes " + strconv.FormatInt(r.start, 10) + "-" + strconv.FormatInt(r.end-1, 10) + "/" + strconv.FormatInt(total, 10)
}

// parseRange reads a Range header. partial is false when it asks for the whole
// object: several ranges, and headers that are not well-formed, are ignored.
func parseRange(header string, size int64) (r span, partial bool, err error) {
	whole := span{0, size}
	spec, ok := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	if !ok || !dash || strings.Contains(spec, ",") {
		return whole, false, nil
	}
	if first == "" {
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil || n < 0 {
			return whole, false, nil
		}
		if n == 0 || size == 0 {
			return whole, false, errInvalidRange(header, size)
		}
		return span{max(size-n, 0), size}, true, nil
	}
	start, err := strconv.ParseInt(first, 10, 64)
	if err != nil || start < 0 {
		return whole, false, nil
	}
	end := size
	if last != "" {
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil || n < start {
			return whole, false, nil
		}
		end = min(n+1, size)
	}
	if start >= size {
		return whole, false, errInvalidRange(header, size)
	}
	return span{start, end}, true, nil
}

// partSpan is where a part of an object is.
func partSpan(v *state.ObjectVersion, number int32) (span, error) {
	count := max(v.Parts, 1)
	if number < 1 || int(number) > count {
		return span{}, errDetailed("InvalidPartNumber", 416, "The requested partnumber is not satisfiable", "PartNumberRequested", itoa(int(number)), "ActualPartCount", itoa(count))
	}
	if v.Parts == 0 {
		return span{0, v.Size}, nil
	}
	start := int64(0)
	for _, segment := range v.Segments[:number-1] {
		start += segment.Size
	}
	return span{start, start + v.Segments[number-1].Size}, nil
}

// data reads a span of an object. The first file is opened at once, so that an
// object that was deleted meanwhile is noticed before an answer has begun.
func (s *Service) data(v *state.ObjectVersion, r span) (io.ReadCloser, error) {
	d := &data{objects: s.Objects, left: r.size()}
	skip := r.start
	for i, segment := range v.Segments {
		if skip < segment.Size || i == len(v.Segments)-1 {
			d.segments, d.offset = v.Segments[i:], skip
			break
		}
		skip -= segment.Size
	}
	if d.left > 0 {
		if err := d.open(); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// data is the concatenation of the segments from an offset in the first.
type data struct {
	objects  *blob.Objects
	segments []state.ObjectSegment
	offset   int64
	left     int64
	file     *blob.ObjectReader
	section  io.Reader
}

func (d *data) open() error {
	if len(d.segments) == 0 {
		return blob.ErrCorrupt
	}
	file, err := d.objects.Open(d.segments[0].File)
	if err != nil {
		return err
	}
	d.file, d.section = file, file.Section(d.offset, min(d.left, d.segments[0].Size-d.offset))
	d.segments, d.offset = d.segments[1:], 0
	return nil
}

func (d *data) Read(p []byte) (int, error) {
	for d.left > 0 {
		if d.file == nil {
			if err := d.open(); err != nil {
				return 0, err
			}
		}
		n, err := d.section.Read(p)
		d.left -= int64(n)
		if n > 0 {
			return n, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if err := d.Close(); err != nil {
			return 0, err
		}
	}
	return 0, io.EOF
}

// Close closes the file that is open.
func (d *data) Close() error {
	if d.file == nil {
		return nil
	}
	file := d.file
	d.file = nil
	return file.Close()
}

func itoa(n int) string { return strconv.Itoa(n) }

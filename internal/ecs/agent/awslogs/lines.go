package awslogs

import (
	"bytes"
	"regexp"
	"time"
	"unicode/utf8"
)

// The limits of PutLogEvents.
const (
	maxEvent      = 262144 - eventOverhead // bytes of one message
	maxBatch      = 1048576                // bytes of all messages, each with its overhead
	maxEvents     = 10000
	eventOverhead = 26
)

// pending is an event that is not stored yet.
type pending struct {
	Event
	end int64 // where in the file it ends
}

// lines makes events of the bytes of a file.
type lines struct {
	start *regexp.Regexp

	part    []byte // of the line that is being read
	partAt  time.Time
	event   []byte // of an event of several lines
	eventAt time.Time
	ready   []pending
}

func newLines(start *regexp.Regexp) *lines { return &lines{start: start} }

// open reports whether an event of several lines may still go on.
func (l *lines) open() bool { return len(l.event) > 0 }

// add takes bytes that begin at offset of the file.
func (l *lines) add(data []byte, offset int64, at time.Time) {
	for len(data) > 0 {
		i := bytes.IndexByte(data, '\n')
		if len(l.part) == 0 {
			l.partAt = at
		}
		if i < 0 {
			l.part = append(l.part, data...)
			offset += int64(len(data))
			data = nil
		} else {
			l.part = append(l.part, data[:i]...)
			offset += int64(i) + 1
			data = data[i+1:]
			l.line(offset)
			continue
		}
		// A line without end must not grow without end.
		if l.start != nil && len(l.part) > maxEvent {
			l.line(offset)
		}
		for len(l.part) > maxEvent {
			n := cut(l.part)
			l.emit(l.part[:n], l.partAt, offset-int64(len(l.part)-n))
			l.part = append([]byte(nil), l.part[n:]...)
		}
	}
}

// line takes the line that is complete; end is behind its newline.
func (l *lines) line(end int64) {
	line := l.part
	l.part = nil
	if l.start == nil {
		l.emit(line, l.partAt, end)
		return
	}
	before := end - int64(len(line)) - 1
	if len(l.event) > 0 && (l.start.Match(line) || len(l.event)+len(line)+1 > maxEvent) {
		l.closeEvent(before)
	}
	if len(l.event) == 0 {
		l.eventAt = l.partAt
	}
	l.event = append(append(l.event, line...), '\n')
}

// closeEvent completes an event of several lines that ends at end.
func (l *lines) closeEvent(end int64) {
	if len(l.event) == 0 {
		return
	}
	l.emit(bytes.TrimSuffix(l.event, []byte("\n")), l.eventAt, end-int64(len(l.part)))
	l.event = nil
}

// end completes everything: the file ends at end.
func (l *lines) end(end int64) {
	if len(l.part) > 0 {
		if l.start == nil {
			l.emit(l.part, l.partAt, end)
		} else {
			l.event = append(l.event, l.part...)
		}
		l.part = nil
	}
	l.closeEvent(end)
}

// emit makes one event, or several when it is too long. Empty lines are none,
// as the API takes no empty message.
func (l *lines) emit(text []byte, at time.Time, end int64) {
	stamp := at.UnixMilli()
	if n := len(l.ready); n > 0 {
		stamp = max(stamp, l.ready[n-1].Timestamp)
	}
	for len(text) > 0 {
		n := len(text)
		if n > maxEvent {
			n = cut(text)
		}
		piece := end
		if n < len(text) {
			piece = end - int64(len(text)-n) - 1 // not yet the whole
		}
		l.ready = append(l.ready, pending{Event{stamp, string(text[:n])}, piece})
		text = text[n:]
	}
}

// cut is where to divide a text that is longer than an event: not inside a character.
func cut(text []byte) int {
	n := maxEvent
	for n > maxEvent-utf8.UTFMax && !utf8.RuneStart(text[n]) {
		n--
	}
	return n
}

// batch returns events to store at once and where in the file they end. Without
// all it returns full batches only.
func (l *lines) batch(all bool) (events []Event, end int64, more bool) {
	size := 0
	for i, p := range l.ready {
		size += len(p.Message) + eventOverhead
		if i == maxEvents || size > maxBatch {
			return events, end, true
		}
		events, end = append(events, p.Event), p.end
	}
	if !all {
		return nil, 0, false
	}
	return events, end, false
}

// stored forgets the first n events.
func (l *lines) stored(n int) {
	l.ready = append([]pending(nil), l.ready[n:]...)
}

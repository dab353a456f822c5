package logs

import (
	"cmp"
	"container/heap"
	"context"
	"iter"
	"strings"

	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/logstore"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// FilterLogEvents reads the streams of a group interleaved, in order of time,
// and returns the events that match a filter pattern.
func (s *Service) FilterLogEvents(ctx context.Context, in *logsapi.FilterLogEventsRequest) (*logsapi.FilterLogEventsResponse, error) {
	q, err := s.query(ctx, in)
	if err != nil {
		return nil, err
	}
	left, bytes := maxEvents, 0
	if in.Limit != nil {
		left = int(*in.Limit)
	}
	out := &logsapi.FilterLogEventsResponse{Events: []logsapi.FilteredLogEvent{}, SearchedLogStreams: []logsapi.SearchedLogStream{}}
	var last *place
	for e, err := range q.events(s.events) {
		if err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !q.matches(e.Message) {
			continue
		}
		if bytes += len(e.Message) + eventOverhead; len(out.Events) == left || len(out.Events) > 0 && bytes > maxAnswerBytes {
			out.NextToken = last.token(q.backward)
			break
		}
		out.Events = append(out.Events, logsapi.FilteredLogEvent{LogStreamName: e.stream.Name, Timestamp: e.Time, Message: e.Message,
			IngestionTime: e.Ingested, EventId: digits(e.Position())})
		last = &place{Position: e.Position(), stream: e.stream.Name}
	}
	return out, nil
}

// query is a FilterLogEvents request, understood.
type query struct {
	streams  []*state.LogStream // by name
	from, to int64
	after    *place
	backward bool
	matches  func(message string) bool
}

func (s *Service) query(ctx context.Context, in *logsapi.FilterLogEventsRequest) (*query, error) {
	name, err := groupName(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	if len(in.LogStreamNames) > 0 && in.LogStreamNamePrefix != "" {
		return nil, invalid("LogStreamNames and LogStreamNamePrefix are mutually exclusive parameters.")
	}
	q := &query{backward: in.StartFromHead != nil && !*in.StartFromHead}
	if q.matches, err = compilePattern(in.FilterPattern); err != nil {
		return nil, err
	}
	if in.NextToken != "" {
		var ok bool
		if q.after, q.backward, ok = parsePlace(in.NextToken); !ok {
			return nil, invalid("The specified nextToken is invalid.")
		}
	}
	tx := s.db.Read()
	g, err := s.group(ctx, tx, name)
	if err != nil {
		return nil, err
	}
	q.from = s.oldest(g)
	if in.StartTime != nil {
		q.from = max(q.from, *in.StartTime)
	}
	if in.EndTime != nil {
		q.to = max(*in.EndTime, 1)
	}
	return q, s.chooseStreams(tx, g, in, q)
}

func (s *Service) chooseStreams(tx *store.Tx, g *state.LogGroup, in *logsapi.FilterLogEventsRequest, q *query) error {
	for _, name := range in.LogStreamNames {
		st, err := s.stream(tx, g, name)
		if err != nil {
			return err
		}
		q.streams = append(q.streams, st)
	}
	if len(in.LogStreamNames) == 0 {
		for st := range state.LogStreams.All(tx, state.LogStreamKey(g.Account, g.Region, g.Name, in.LogStreamNamePrefix)) {
			q.streams = append(q.streams, st)
		}
	}
	return nil
}

// place is where a page ended: events are ordered by time, then by stream, then by arrival.
type place struct {
	logstore.Position
	stream string
}

func (p *place) token(backward bool) string {
	direction := "f"
	if backward {
		direction = "b"
	}
	return direction + "/" + digits(p.Position) + "/" + p.stream
}

func parsePlace(s string) (p *place, backward, ok bool) {
	direction, rest, _ := strings.Cut(s, "/")
	text, stream, found := strings.Cut(rest, "/")
	at, ok := parseDigits(text)
	return &place{at, stream}, direction == "b", ok && found && (direction == "f" || direction == "b")
}

// rangeOf is what to read of a stream, so that it goes on where the page ended.
func (q *query) rangeOf(stream string) logstore.Range {
	r := logstore.Range{From: q.from, To: q.to, Backward: q.backward}
	if q.after == nil {
		return r
	}
	seq := q.after.Seq // the stream at which the page ended
	switch c := cmp.Compare(stream, q.after.stream); {
	case c < 0: // stands before it at the same time
		seq = 1<<63 - 1
	case c > 0:
		seq = 0
	}
	r.After = &logstore.Position{Time: q.after.Time, Seq: seq}
	return r
}

// event is an event with the stream that it came from.
type event struct {
	logstore.Event
	stream *state.LogStream
}

// events yields the events of all streams in one order.
func (q *query) events(from *logstore.Store) iter.Seq2[event, error] {
	return func(yield func(event, error) bool) {
		m := &merge{backward: q.backward}
		defer m.stop()
		for _, st := range q.streams {
			next, stop := iter.Pull2(from.Read(st.ID, q.rangeOf(st.Name)))
			m.sources = append(m.sources, &source{event: event{stream: st}, next: next, stop: stop})
		}
		if err := m.start(); err != nil {
			yield(event{}, err)
			return
		}
		for len(m.heads) > 0 {
			first := m.heads[0]
			if !yield(first.event, nil) {
				return
			}
			if err := m.advance(); err != nil {
				yield(event{}, err)
				return
			}
		}
	}
}

// source is one stream while streams are merged; event is its next one.
type source struct {
	event
	next func() (logstore.Event, error, bool)
	stop func()
}

// merge is a heap of sources by their next event.
type merge struct {
	backward bool
	sources  []*source // all
	heads    []*source // the heap: those that have a next event
}

func (m *merge) start() error {
	for _, src := range m.sources {
		e, err, ok := src.next()
		if err != nil {
			return err
		}
		if ok {
			src.Event = e
			m.heads = append(m.heads, src)
		}
	}
	heap.Init(m)
	return nil
}

// advance moves the first source on.
func (m *merge) advance() error {
	e, err, ok := m.heads[0].next()
	if err != nil {
		return err
	}
	if !ok {
		heap.Pop(m)
		return nil
	}
	m.heads[0].Event = e
	heap.Fix(m, 0)
	return nil
}

func (m *merge) stop() {
	for _, src := range m.sources {
		src.stop()
	}
}

// Len, Less, Swap, Push and Pop make it a heap.
func (m *merge) Len() int { return len(m.heads) }

func (m *merge) Less(i, j int) bool {
	a, b := m.heads[i], m.heads[j]
	order := cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.stream.Name, b.stream.Name), cmp.Compare(a.Seq, b.Seq))
	return order < 0 != m.backward
}

func (m *merge) Swap(i, j int) { m.heads[i], m.heads[j] = m.heads[j], m.heads[i] }
func (m *merge) Push(x any)    { m.heads = append(m.heads, x.(*source)) }

func (m *merge) Pop() any {
	last := m.heads[len(m.heads)-1]
	m.heads = m.heads[:len(m.heads)-1]
	return last
}

package logs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/logstore"
)

// Limits of PutLogEvents.
const (
	maxBatchBytes = 1 << 20
	eventOverhead = 26 // bytes that each event counts besides its message
	maxEventBytes = 1 << 20
	maxSpan       = 24 * time.Hour
	maxAge        = 14 * 24 * time.Hour
	maxAhead      = 2 * time.Hour
)

// PutLogEvents stores a batch of events. It answers when they are on disk.
// Events that are too old or too new are left out, and named in the answer.
func (s *Service) PutLogEvents(ctx context.Context, in *logsapi.PutLogEventsRequest) (*logsapi.PutLogEventsResponse, error) {
	if err := checkBatch(in.LogEvents); err != nil {
		return nil, err
	}
	tx := s.db.Read()
	g, err := s.group(ctx, tx, in.LogGroupName)
	if err != nil {
		return nil, err
	}
	st, err := s.stream(tx, g, in.LogStreamName)
	if err != nil {
		return nil, err
	}
	now := s.now()
	from, to, rejected := acceptable(in.LogEvents, now, s.oldest(g))
	events := make([]logstore.Event, 0, to-from)
	for _, e := range in.LogEvents[from:to] {
		events = append(events, logstore.Event{Time: e.Timestamp, Ingested: now.UnixMilli(), Message: e.Message})
	}
	if in.SequenceToken == RepeatToken {
		last, err := s.events.Last(st.ID)
		if err != nil {
			return nil, err
		}
		if slices.EqualFunc(events, last, sameEvent) {
			events = nil // it arrived; only the answer did not
		}
	}
	if err := s.events.Append(st.ID, events); err != nil {
		return nil, err
	}
	return &logsapi.PutLogEventsResponse{NextSequenceToken: sequenceToken(now.UnixMilli()), RejectedLogEventsInfo: rejected}, nil
}

// RepeatToken is the sequence token of a batch that its writer, the only one of
// the stream, may have sent before without hearing the answer, because one of
// the two was killed: it is not stored a second time. Any other token means
// nothing, as on AWS.
const RepeatToken = "repeat"

func sameEvent(a, b logstore.Event) bool { return a.Time == b.Time && a.Message == b.Message }

// sequenceToken is what clients still pass along; it has meant nothing since 2023.
func sequenceToken(ingested int64) string { return fmt.Sprintf("49%054d", ingested) }

// checkBatch refuses a batch as a whole.
func checkBatch(events []logsapi.InputLogEvent) error {
	size := 0
	for i, e := range events {
		bytes := len(e.Message) + eventOverhead
		if bytes > maxEventBytes {
			return invalid(fmt.Sprintf("Log event too large: %d bytes exceeds limit of %d", bytes, maxEventBytes))
		}
		size += bytes
		if i > 0 && e.Timestamp < events[i-1].Timestamp {
			return invalid("Log events in a single PutLogEvents request must be in chronological order.")
		}
	}
	if size > maxBatchBytes {
		return invalid(fmt.Sprintf("Upload too large: %d bytes exceeds limit of %d", size, maxBatchBytes))
	}
	if events[len(events)-1].Timestamp-events[0].Timestamp > maxSpan.Milliseconds() {
		return invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	return nil
}

// acceptable returns which of the events, that are in order of time, are taken.
func acceptable(events []logsapi.InputLogEvent, now time.Time, oldest int64) (from, to int, rejected *logsapi.RejectedLogEventsInfo) {
	var info logsapi.RejectedLogEventsInfo
	tooOld, tooNew := now.Add(-maxAge).UnixMilli(), now.Add(maxAhead).UnixMilli()
	to = len(events)
	for i, e := range events {
		switch {
		case e.Timestamp < tooOld:
			from = i + 1
			info.TooOldLogEventEndIndex = new(int32(from))
		case e.Timestamp < oldest:
			from = i + 1
			info.ExpiredLogEventEndIndex = new(int32(from))
		case e.Timestamp > tooNew && info.TooNewLogEventStartIndex == nil:
			to = i
			info.TooNewLogEventStartIndex = new(int32(i))
		}
	}
	if info != (logsapi.RejectedLogEventsInfo{}) {
		rejected = &info
	}
	return from, to, rejected
}

package logs

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/logstore"
)

// Limits of one answer.
const (
	maxEvents      = 10_000
	maxAnswerBytes = 1 << 20
)

// GetLogEvents reads one stream, from either end or on from a token. At the end
// of the stream it answers with the token that it was given.
func (s *Service) GetLogEvents(ctx context.Context, in *logsapi.GetLogEventsRequest) (*logsapi.GetLogEventsResponse, error) {
	name, err := groupName(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	tx := s.db.Read()
	g, err := s.group(ctx, tx, name)
	if err != nil {
		return nil, err
	}
	st, err := s.stream(tx, g, in.LogStreamName)
	if err != nil {
		return nil, err
	}
	r := logstore.Range{From: s.oldest(g), Backward: !in.StartFromHead}
	if in.StartTime != nil {
		r.From = max(r.From, *in.StartTime)
	}
	if in.EndTime != nil {
		if *in.EndTime <= r.From {
			return &logsapi.GetLogEventsResponse{Events: []logsapi.OutputLogEvent{}, NextForwardToken: token("f", logstore.Position{}), NextBackwardToken: token("b", logstore.Position{})}, nil
		}
		r.To = *in.EndTime - 1
	}
	var at logstore.Position
	if in.NextToken != "" {
		direction, p, ok := parseToken(in.NextToken)
		if !ok {
			return nil, invalid("The specified nextToken is invalid.")
		}
		at, r.After, r.Backward = p, &p, direction == "b"
	}
	events, err := s.page(st.ID, r, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &logsapi.GetLogEventsResponse{Events: make([]logsapi.OutputLogEvent, len(events)), NextForwardToken: token("f", at), NextBackwardToken: token("b", at)}
	for i, e := range events {
		out.Events[i] = logsapi.OutputLogEvent{Timestamp: e.Time, IngestionTime: e.Ingested, Message: e.Message}
	}
	if len(events) > 0 {
		out.NextForwardToken = token("f", events[len(events)-1].Position())
		out.NextBackwardToken = token("b", events[0].Position())
	}
	return out, nil
}

// page reads as many events as one answer takes; they are in order of time
// whatever the direction.
func (s *Service) page(id string, r logstore.Range, limit *int32) ([]logstore.Event, error) {
	left, bytes := maxEvents, 0
	if limit != nil {
		left = int(*limit)
	}
	var out []logstore.Event
	for e, err := range s.events.Read(id, r) {
		if err != nil {
			return nil, err
		}
		if bytes += len(e.Message) + eventOverhead; len(out) == left || len(out) > 0 && bytes > maxAnswerBytes {
			break
		}
		out = append(out, e)
	}
	if r.Backward {
		slices.Reverse(out)
	}
	return out, nil
}

// token prints a position as AWS's tokens look: f/ or b/, digits, /s.
func token(direction string, p logstore.Position) string {
	return direction + "/" + digits(p) + "/s"
}

// digits prints a position with 56 digits, as event ids have them.
func digits(p logstore.Position) string { return fmt.Sprintf("%020d%036d", p.Time, p.Seq) }

func parseToken(s string) (direction string, p logstore.Position, ok bool) {
	direction, rest, _ := strings.Cut(s, "/")
	text, tail, _ := strings.Cut(rest, "/")
	if direction != "f" && direction != "b" || tail != "s" {
		return "", p, false
	}
	p, ok = parseDigits(text)
	return direction, p, ok
}

func parseDigits(text string) (p logstore.Position, ok bool) {
	if len(text) != 56 {
		return p, false
	}
	time, err := strconv.ParseInt(text[:20], 10, 64)
	if err != nil {
		return p, false
	}
	seq, err := strconv.ParseUint(text[20:], 10, 64)
	return logstore.Position{Time: time, Seq: seq}, err == nil
}

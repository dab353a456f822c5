package logs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/logstore"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// world is the service as the gateway calls it: through handlers, validated.
type world struct {
	t        *testing.T
	ctx      context.Context
	service  *Service
	handlers wire.Handlers
	clock    time.Time
}

func newWorld(t *testing.T) *world {
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	events, err := logstore.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, clock: time.Date(2026, 1, 20, 12, 0, 0, 0, time.UTC)}
	w.ctx = caller.With(context.Background(), caller.ForRoot("000000000000", "eu-west-1"))
	w.service = New(db, events, func() time.Time { return w.clock })
	w.handlers = logsapi.Bind(w.service)
	return w
}

func (w *world) Invoke(ctx context.Context, service *wire.Service, operation string, in any) (any, error) {
	if err := wire.Validate(service.Operation(operation), in); err != nil {
		return nil, err
	}
	return w.handlers[operation](ctx, in)
}

func (w *world) api() logsapi.API { return logsapi.NewClient(w) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// refused checks code and text of an error.
func (w *world) refused(err error, want string) {
	w.t.Helper()
	var aws wire.Error
	if !errors.As(err, &aws) || aws.Error() != want {
		w.t.Errorf("got %v\nwant %s", err, want)
	}
}

func (w *world) ms(offset time.Duration) int64 { return w.clock.Add(offset).UnixMilli() }

func (w *world) put(group, stream string, events ...logsapi.InputLogEvent) *logsapi.PutLogEventsResponse {
	w.t.Helper()
	out, err := w.api().PutLogEvents(w.ctx, &logsapi.PutLogEventsRequest{LogGroupName: group, LogStreamName: stream, LogEvents: events})
	w.must(err)
	return out
}

func (w *world) stream(group string, streams ...string) {
	w.t.Helper()
	w.must(w.api().CreateLogGroup(w.ctx, &logsapi.CreateLogGroupRequest{LogGroupName: group}))
	for _, s := range streams {
		w.must(w.api().CreateLogStream(w.ctx, &logsapi.CreateLogStreamRequest{LogGroupName: group, LogStreamName: s}))
	}
}

// The writer of a stream repeats a batch when it does not know whether it arrived.
func TestARepeatedBatchIsStoredOnce(t *testing.T) {
	w := newWorld(t)
	w.stream("g", "s")
	put := func(token string, messages ...string) {
		in := &logsapi.PutLogEventsRequest{LogGroupName: "g", LogStreamName: "s", SequenceToken: token}
		for _, m := range messages {
			in.LogEvents = append(in.LogEvents, logsapi.InputLogEvent{Timestamp: w.ms(0), Message: m})
		}
		_, err := w.api().PutLogEvents(w.ctx, in)
		w.must(err)
	}
	put(RepeatToken, "a", "b") // it did not arrive before
	put(RepeatToken, "a", "b")
	put(RepeatToken, "b")
	put("", "b") // two equal lines
	out, err := w.api().GetLogEvents(w.ctx, &logsapi.GetLogEventsRequest{LogGroupName: "g", LogStreamName: "s", StartFromHead: true})
	w.must(err)
	var got string
	for _, e := range out.Events {
		got += e.Message
	}
	if got != "abbb" {
		t.Errorf("stored %q", got)
	}
}

func TestRefusalsInAWSsWords(t *testing.T) {
	w := newWorld(t)
	api := w.api()
	w.stream("g", "s")
	late := logsapi.InputLogEvent{Timestamp: w.ms(0), Message: "x"}
	for want, err := range map[string]error{
		"ResourceAlreadyExistsException: The specified log group already exists":  api.CreateLogGroup(w.ctx, &logsapi.CreateLogGroupRequest{LogGroupName: "g"}),
		"ResourceAlreadyExistsException: The specified log stream already exists": api.CreateLogStream(w.ctx, &logsapi.CreateLogStreamRequest{LogGroupName: "g", LogStreamName: "s"}),
		"ResourceNotFoundException: The specified log group does not exist.":      api.CreateLogStream(w.ctx, &logsapi.CreateLogStreamRequest{LogGroupName: "h", LogStreamName: "s"}),
		"ResourceNotFoundException: The specified log stream does not exist.": func() error {
			_, err := api.PutLogEvents(w.ctx, &logsapi.PutLogEventsRequest{LogGroupName: "g", LogStreamName: "t", LogEvents: []logsapi.InputLogEvent{late}})
			return err
		}(),
		"InvalidParameterException: Log events in a single PutLogEvents request must be in chronological order.": func() error {
			_, err := api.PutLogEvents(w.ctx, &logsapi.PutLogEventsRequest{LogGroupName: "g", LogStreamName: "s", LogEvents: []logsapi.InputLogEvent{late, {Timestamp: 1, Message: "y"}}})
			return err
		}(),
		"InvalidParameterException: 1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000": func() error {
			_, err := api.GetLogEvents(w.ctx, &logsapi.GetLogEventsRequest{LogGroupName: "g", LogStreamName: "s", Limit: new(int32(10001))})
			return err
		}(),
		"InvalidParameterException: The specified nextToken is invalid.": func() error {
			_, err := api.GetLogEvents(w.ctx, &logsapi.GetLogEventsRequest{LogGroupName: "g", LogStreamName: "s", NextToken: "f/1/s"})
			return err
		}(),
		"ValidationException: LogGroup name and LogGroup ARN are mutually exclusive parameters.": func() error {
			_, err := api.FilterLogEvents(w.ctx, &logsapi.FilterLogEventsRequest{LogGroupName: "g", LogGroupIdentifier: "g"})
			return err
		}(),
		"InvalidParameterException: LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.": func() error {
			_, err := api.DescribeLogGroups(w.ctx, &logsapi.DescribeLogGroupsRequest{LogGroupNamePrefix: "a", LogGroupNamePattern: "b"})
			return err
		}(),
		"InvalidParameterException: Invalid filter pattern: space-delimited patterns ([ ... ]) are not carried out by Neargate yet.": func() error {
			_, err := api.FilterLogEvents(w.ctx, &logsapi.FilterLogEventsRequest{LogGroupName: "g", FilterPattern: "[ip, user]"})
			return err
		}(),
		"InvalidParameterException: Upload too large: 1048677 bytes exceeds limit of 1048576": func() error {
			big := logsapi.InputLogEvent{Timestamp: w.ms(0), Message: strings.Repeat("x", 524_288)}
			last := logsapi.InputLogEvent{Timestamp: w.ms(0), Message: strings.Repeat("y", 23)}
			_, err := api.PutLogEvents(w.ctx, &logsapi.PutLogEventsRequest{LogGroupName: "g", LogStreamName: "s", LogEvents: []logsapi.InputLogEvent{big, big, last}})
			return err
		}(),
	} {
		w.refused(err, want)
	}
}

func TestGetLogEventsPagesBothWaysAndStaysAtTheEnd(t *testing.T) {
	w := newWorld(t)
	w.stream("g", "s")
	for i := range 10 {
		w.put("g", "s", logsapi.InputLogEvent{Timestamp: w.ms(time.Duration(i) * time.Second), Message: fmt.Sprint(i)})
	}
	get := func(token string, head bool) (*logsapi.GetLogEventsResponse, string) {
		t.Helper()
		out, err := w.api().GetLogEvents(w.ctx, &logsapi.GetLogEventsRequest{LogGroupName: "g", LogStreamName: "s", Limit: new(int32(4)), NextToken: token, StartFromHead: head})
		w.must(err)
		text := ""
		for _, e := range out.Events {
			text += e.Message
		}
		return out, text
	}
	var pages []string
	out, text := get("", true)
	for range 4 {
		pages = append(pages, text)
		out, text = get(out.NextForwardToken, true)
	}
	if got := strings.Join(pages, " "); got != "0123 4567 89 " {
		t.Errorf("forward pages %q", got)
	}
	end := out.NextForwardToken
	if out, text = get(end, true); text != "" || out.NextForwardToken != end {
		t.Errorf("at the end: %q, token %s after %s", text, out.NextForwardToken, end)
	}
	w.put("g", "s", logsapi.InputLogEvent{Timestamp: w.ms(time.Minute), Message: "new"})
	if _, text = get(end, true); text != "new" {
		t.Errorf("after a new event: %q", text)
	}
	out, text = get("", false)
	if text != "789new" {
		t.Errorf("latest page %q", text)
	}
	if _, text = get(out.NextBackwardToken, false); text != "3456" {
		t.Errorf("the page before it %q", text)
	}
}

func TestEndTimeIsExclusiveInGetAndInclusiveInFilter(t *testing.T) {
	w := newWorld(t)
	w.stream("g", "s")
	w.put("g", "s", logsapi.InputLogEvent{Timestamp: w.ms(0), Message: "a"}, logsapi.InputLogEvent{Timestamp: w.ms(time.Second), Message: "b"})
	end := w.ms(time.Second)
	got, err := w.api().GetLogEvents(w.ctx, &logsapi.GetLogEventsRequest{LogGroupName: "g", LogStreamName: "s", EndTime: &end})
	w.must(err)
	filtered, err := w.api().FilterLogEvents(w.ctx, &logsapi.FilterLogEventsRequest{LogGroupName: "g", EndTime: &end})
	w.must(err)
	if len(got.Events) != 1 || len(filtered.Events) != 2 {
		t.Errorf("get %d, filter %d events", len(got.Events), len(filtered.Events))
	}
}

func TestFilterLogEventsInterleavesStreamsInPages(t *testing.T) {
	w := newWorld(t)
	w.stream("g", "a", "b", "c")
	for i := range 30 { // equal times in different streams
		w.put("g", string("abc"[i%3]), logsapi.InputLogEvent{Timestamp: w.ms(time.Duration(i/6) * time.Second), Message: fmt.Sprintf("line %02d", i)})
	}
	read := func(in logsapi.FilterLogEventsRequest) (list []string) {
		t.Helper()
		in.LogGroupName = "g"
		for {
			out, err := w.api().FilterLogEvents(w.ctx, &in)
			w.must(err)
			for _, e := range out.Events {
				list = append(list, e.LogStreamName+e.Message[5:])
			}
			if in.NextToken = out.NextToken; in.NextToken == "" {
				return list
			}
		}
	}
	all := strings.Join(read(logsapi.FilterLogEventsRequest{}), " ")
	if !strings.HasPrefix(all, "a00 a03 b01 b04 c02 c05 a06") || strings.Count(all, " ") != 29 {
		t.Errorf("all: %s", all)
	}
	for _, limit := range []int32{1, 4, 7} {
		if got := strings.Join(read(logsapi.FilterLogEventsRequest{Limit: &limit}), " "); got != all {
			t.Errorf("in pages of %d: %s", limit, got)
		}
		down := read(logsapi.FilterLogEventsRequest{Limit: &limit, StartFromHead: new(false)})
		for i, j := 0, len(down)-1; i < j; i, j = i+1, j-1 {
			down[i], down[j] = down[j], down[i]
		}
		if got := strings.Join(down, " "); got != all {
			t.Errorf("backward in pages of %d: %s", limit, got)
		}
	}
	if got := read(logsapi.FilterLogEventsRequest{LogStreamNamePrefix: "b", FilterPattern: `?"line 01" ?22`}); strings.Join(got, " ") != "b01 b22" {
		t.Errorf("stream b: %v", got)
	}
}

func TestFilterPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, message string
		want             bool
	}{
		{"", "anything", true}, {"ERROR", "an ERROR here", true}, {"ERROR", "an error here", false},
		{"ERROR disk", "disk ERROR", true}, {"ERROR disk", "ERROR", false}, {`"disk ERROR"`, "disk full ERROR", false}, {`"disk ERROR"`, "a disk ERROR", true},
		{"?warn ?error", "a warn", true}, {"?warn ?error", "none", false}, {"ERROR -debug", "ERROR debug", false}, {"ERROR -debug", "ERROR", true},
		{"%ab[0-9]+c%", "xxab12cx", true}, {"%ab[0-9]+c%", "abc", false}, {`"a \"b\""`, `say a "b"`, true}, {`-"to do"`, "done", true},
		{`{ $.type = "Task" }`, `{"type":"Task"}`, true}, {`{ $.type = "Task" }`, `{"type":"Service"}`, false}, {`{$.type=Task}`, `{"type":"Task"}`, true}, {`{ $.type = "Task" }`, `type Task`, false},
		{`{ $.a.b[1] >= 5 }`, `{"a":{"b":[1,5]}}`, true}, {`{ $.a.b[1] > 5 }`, `{"a":{"b":[1,5]}}`, false}, {`{ $.a["b c"] = 1 }`, `{"a":{"b c":1}}`, true},
		{`{ $.x = "a*c" }`, `{"x":"abbc"}`, true}, {`{ $.x = "a*c" }`, `{"x":"ab"}`, false}, {`{ $.x != "a" }`, `{}`, true}, {`{ $.x != 3 }`, `{"x":3}`, false},
		{`{ $.x IS NULL }`, `{"x":null}`, true}, {`{ $.x IS NULL }`, `{}`, false}, {`{ $.x NOT EXISTS }`, `{}`, true}, {`{ $.x IS TRUE }`, `{"x":true}`, true},
		{`{ $.a = 1 && $.b = 2 || $.c = 3 }`, `{"c":3}`, true}, {`{ $.a = 1 && ($.b = 2 || $.c = 3) }`, `{"c":3}`, false}, {`{ $.a = 1 && ($.b = 2 || $.c = 3) }`, `{"a":1,"c":3}`, true},
	} {
		f, err := compilePattern(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
		} else if f(c.message) != c.want {
			t.Errorf("%s on %q is not %v", c.pattern, c.message, c.want)
		}
	}
	for _, bad := range []string{`"open`, "%open", "%[%", "?", "a(b", "[a, b]", "{ $.x }", "{ x = 1 }", "{ $.x = 1", "{ $.x > a }", "{ $.x = 1 } y", "{}", `{ $.x = "a }`, "{ ($.x = 1 }"} {
		if _, err := compilePattern(bad); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

func TestEventsOutsideTheWindowAreRejectedByIndex(t *testing.T) {
	w := newWorld(t)
	w.stream("g", "s")
	w.must(w.api().PutRetentionPolicy(w.ctx, &logsapi.PutRetentionPolicyRequest{LogGroupName: "g", RetentionInDays: new(int32(1))}))
	out := w.put("g", "s", logsapi.InputLogEvent{Timestamp: w.ms(-25 * time.Hour), Message: "expired"}, logsapi.InputLogEvent{Timestamp: w.ms(-2 * time.Hour), Message: "good"})
	if r := out.RejectedLogEventsInfo; r == nil || r.ExpiredLogEventEndIndex == nil || *r.ExpiredLogEventEndIndex != 1 || r.TooNewLogEventStartIndex != nil {
		t.Errorf("rejected %+v", r)
	}
	out = w.put("g", "s", logsapi.InputLogEvent{Timestamp: w.ms(0), Message: "good"}, logsapi.InputLogEvent{Timestamp: w.ms(3 * time.Hour), Message: "future"})
	if r := out.RejectedLogEventsInfo; r == nil || r.TooNewLogEventStartIndex == nil || *r.TooNewLogEventStartIndex != 1 {
		t.Errorf("rejected %+v", r)
	}
	got, err := w.api().FilterLogEvents(w.ctx, &logsapi.FilterLogEventsRequest{LogGroupName: "g"})
	w.must(err)
	if len(got.Events) != 2 {
		t.Errorf("%d events", len(got.Events))
	}
	w.clock = w.clock.Add(23 * time.Hour)
	got, err = w.api().FilterLogEvents(w.ctx, &logsapi.FilterLogEventsRequest{LogGroupName: "g"})
	w.must(err)
	if len(got.Events) != 1 {
		t.Errorf("%d events are left after one expired", len(got.Events))
	}
}

func TestDescribeGroupsAndStreams(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.stream(fmt.Sprintf("/ecs/g%d", i))
	}
	api := w.api()
	var names []string
	in := &logsapi.DescribeLogGroupsRequest{LogGroupNamePrefix: "/ecs/", Limit: new(int32(2))}
	for {
		out, err := api.DescribeLogGroups(w.ctx, in)
		w.must(err)
		for _, g := range out.LogGroups {
			names = append(names, g.LogGroupName)
			if want := "arn:aws:logs:eu-west-1:000000000000:log-group:" + g.LogGroupName; g.LogGroupArn != want || g.Arn != want+":*" || g.RetentionInDays != nil {
				t.Errorf("%+v", g)
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == "" {
			break
		}
	}
	if got := strings.Join(names, " "); got != "/ecs/g0 /ecs/g1 /ecs/g2 /ecs/g3 /ecs/g4" {
		t.Errorf("groups %s", got)
	}
	for i, s := range []string{"x", "y", "z"} {
		w.must(api.CreateLogStream(w.ctx, &logsapi.CreateLogStreamRequest{LogGroupName: "/ecs/g0", LogStreamName: s}))
		if s != "y" {
			w.put("/ecs/g0", s, logsapi.InputLogEvent{Timestamp: w.ms(-time.Duration(i) * time.Minute), Message: "m"})
		}
	}
	out, err := api.DescribeLogStreams(w.ctx, &logsapi.DescribeLogStreamsRequest{LogGroupName: "/ecs/g0", OrderBy: logsapi.OrderByLastEventTime, Descending: true})
	w.must(err)
	names = nil
	for _, s := range out.LogStreams {
		names = append(names, s.LogStreamName)
		if (s.FirstEventTimestamp == nil) != (s.LogStreamName == "y") {
			t.Errorf("%+v", s)
		}
	}
	if got := strings.Join(names, " "); got != "x z y" {
		t.Errorf("streams %s", got)
	}
	w.must(api.DeleteLogGroup(w.ctx, &logsapi.DeleteLogGroupRequest{LogGroupName: "/ecs/g0"}))
	if ids, _ := w.service.events.IDs(); len(ids) != 0 {
		t.Errorf("events of a deleted group are left: %v", ids)
	}
}

func TestTags(t *testing.T) {
	w := newWorld(t)
	api := w.api()
	w.must(api.CreateLogGroup(w.ctx, &logsapi.CreateLogGroupRequest{LogGroupName: "g", Tags: map[string]string{"a": "1"}}))
	arn := "arn:aws:logs:eu-west-1:000000000000:log-group:g"
	w.must(api.TagResource(w.ctx, &logsapi.TagResourceRequest{ResourceArn: arn, Tags: map[string]string{"b": "", "a": "2"}}))
	w.must(api.UntagLogGroup(w.ctx, &logsapi.UntagLogGroupRequest{LogGroupName: "g", Tags: []string{"c"}}))
	out, err := api.ListTagsForResource(w.ctx, &logsapi.ListTagsForResourceRequest{ResourceArn: arn})
	w.must(err)
	if fmt.Sprint(out.Tags) != "map[a:2 b:]" {
		t.Errorf("tags %v", out.Tags)
	}
}

func TestEveryOperationHasAnAuthorizationRule(t *testing.T) {
	w := newWorld(t)
	rules := w.service.Authorization().Rules
	for name := range logsapi.Model.Operations {
		if len(rules[name]) == 0 {
			t.Errorf("%s has no rule", name)
		}
	}
	id := caller.ForRoot("000000000000", "eu-west-1")
	for want, in := range map[string]any{
		"arn:aws:logs:eu-west-1:000000000000:log-group:/ecs/x:log-stream:ecs/web/1": &logsapi.PutLogEventsRequest{LogGroupName: "/ecs/x", LogStreamName: "ecs/web/1"},
		"arn:aws:logs:eu-west-1:000000000000:log-group:/ecs/x:log-stream:":          &logsapi.CreateLogGroupRequest{LogGroupName: "/ecs/x"},
		"arn:aws:logs:eu-west-1:000000000000:log-group::log-stream:":                &logsapi.DescribeLogGroupsRequest{},
		"arn:aws:logs:eu-west-1:000000000000:log-group:g":                           &logsapi.TagResourceRequest{ResourceArn: "arn:aws:logs:eu-west-1:000000000000:log-group:g"},
	} {
		if got := resources(id, in); len(got) != 1 || got[0] != want {
			t.Errorf("%T: %v, want %s", in, got, want)
		}
	}
}

// TestBurst stores 10 MB of lines as the awslogs driver sends them, and reads them all back.
func TestBurst(t *testing.T) {
	w := newWorld(t)
	w.stream("g", "s")
	const lines, perBatch = 100_000, 8_000
	line := strings.Repeat("x", 94)
	for at := 0; at < lines; at += perBatch {
		var batch []logsapi.InputLogEvent
		for i := at; i < min(at+perBatch, lines); i++ {
			batch = append(batch, logsapi.InputLogEvent{Timestamp: w.ms(0), Message: fmt.Sprintf("%s%06d", line, i)})
		}
		w.put("g", "s", batch...)
	}
	in := &logsapi.GetLogEventsRequest{LogGroupName: "g", LogStreamName: "s", StartFromHead: true}
	seen := 0
	for {
		out, err := w.api().GetLogEvents(w.ctx, in)
		w.must(err)
		if len(out.Events) == 0 {
			break
		}
		for _, e := range out.Events {
			if want := fmt.Sprintf("%06d", seen); e.Message[94:] != want {
				t.Fatalf("event %d is %s", seen, e.Message[94:])
			}
			seen++
		}
		in.NextToken = out.NextForwardToken
	}
	if seen != lines {
		t.Errorf("%d of %d lines", seen, lines)
	}
}

package logs

import (
	"cmp"
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// CreateLogStream makes an empty log stream.
func (s *Service) CreateLogStream(ctx context.Context, in *logsapi.CreateLogStreamRequest) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		g, err := s.group(ctx, tx, in.LogGroupName)
		if err != nil {
			return err
		}
		st := &state.LogStream{Account: g.Account, Region: g.Region, Group: g.Name, Name: in.LogStreamName, ID: ids.Hex(32), CreatedAt: s.now()}
		if _, ok := state.LogStreams.Get(tx, st.Key()); ok {
			return &logsapi.ResourceAlreadyExistsException{Message: "The specified log stream already exists"}
		}
		state.LogStreams.Put(tx, st)
		return nil
	})
}

// DeleteLogStream deletes a log stream with its events.
func (s *Service) DeleteLogStream(ctx context.Context, in *logsapi.DeleteLogStreamRequest) error {
	var id string
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		g, err := s.group(ctx, tx, in.LogGroupName)
		if err != nil {
			return err
		}
		st, err := s.stream(tx, g, in.LogStreamName)
		if err != nil {
			return err
		}
		id = st.ID
		state.LogStreams.Delete(tx, st.Key())
		return nil
	})
	return s.forget([]string{id}, err)
}

// DescribeLogStreams lists the streams of a group by name or by their last event.
func (s *Service) DescribeLogStreams(ctx context.Context, in *logsapi.DescribeLogStreamsRequest) (*logsapi.DescribeLogStreamsResponse, error) {
	name, err := groupName(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	byTime := in.OrderBy == logsapi.OrderByLastEventTime
	if byTime && in.LogStreamNamePrefix != "" {
		return nil, invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	tx := s.db.Read()
	g, err := s.group(ctx, tx, name)
	if err != nil {
		return nil, err
	}
	streams, err := s.describeStreams(tx, g, in.LogStreamNamePrefix)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(streams, func(a, b logsapi.LogStream) int {
		order := 0
		if byTime {
			order = cmp.Compare(lastEvent(a), lastEvent(b))
		}
		order = cmp.Or(order, cmp.Compare(a.LogStreamName, b.LogStreamName))
		if in.Descending {
			return -order
		}
		return order
	})
	return pageOfStreams(streams, in), nil
}

// pageOfStreams cuts a page out of the sorted list.
func pageOfStreams(streams []logsapi.LogStream, in *logsapi.DescribeLogStreamsRequest) *logsapi.DescribeLogStreamsResponse {
	if in.NextToken != "" {
		i := slices.IndexFunc(streams, func(st logsapi.LogStream) bool { return st.LogStreamName == in.NextToken })
		streams = streams[i+1:]
	}
	page := newPager("", in.Limit)
	out := &logsapi.DescribeLogStreamsResponse{LogStreams: []logsapi.LogStream{}}
	for _, st := range streams {
		if !page.take(st.LogStreamName) {
			break
		}
		out.LogStreams = append(out.LogStreams, st)
	}
	out.NextToken = page.next
	return out
}

func lastEvent(st logsapi.LogStream) int64 {
	if st.LastEventTimestamp == nil {
		return 0
	}
	return *st.LastEventTimestamp
}

func (s *Service) describeStreams(tx *store.Tx, g *state.LogGroup, prefix string) ([]logsapi.LogStream, error) {
	var out []logsapi.LogStream
	for st := range state.LogStreams.All(tx, state.LogStreamKey(g.Account, g.Region, g.Name, prefix)) {
		info, err := s.events.Info(st.ID)
		if err != nil {
			return nil, err
		}
		// storedBytes of a stream has been 0 on AWS since 2019.
		shape := logsapi.LogStream{LogStreamName: st.Name, CreationTime: st.CreatedAt.UnixMilli(), Arn: g.ARN() + ":log-stream:" + st.Name,
			UploadSequenceToken: sequenceToken(info.LastIngested)}
		if info.Events > 0 {
			shape.FirstEventTimestamp, shape.LastEventTimestamp, shape.LastIngestionTime = new(info.First), new(info.Last), new(info.LastIngested)
		}
		out = append(out, shape)
	}
	return out, nil
}

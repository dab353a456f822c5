package logs

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/logstore"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Service is CloudWatch Logs. Its methods are the generated API.
type Service struct {
	db     *store.DB
	events *logstore.Store
	now    func() time.Time
}

var _ logsapi.API = (*Service)(nil)

// New returns the service; now is time.Now but in tests.
func New(db *store.DB, events *logstore.Store, now func() time.Time) *Service {
	return &Service{db: db, events: events, now: now}
}

// Run deletes events that have expired, and events of streams that no longer
// exist, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	if err := s.sweep(); err != nil {
		slog.WarnContext(ctx, "sweeping log streams", "error", err)
	}
	ticker := time.NewTicker(time.Hour)
	defer ticker.Stop()
	for {
		s.expire(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// sweep deletes the events of streams that a crash left without a record.
func (s *Service) sweep() error {
	ids, err := s.events.IDs()
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for st := range state.LogStreams.All(s.db.Read(), "") {
		known[st.ID] = true
	}
	for _, id := range ids {
		if !known[id] {
			err = errors.Join(err, s.events.Delete(id))
		}
	}
	return err
}

func (s *Service) expire(ctx context.Context) {
	tx := s.db.Read()
	for st := range state.LogStreams.All(tx, "") {
		g, ok := state.LogGroups.Get(tx, state.Key(st.Account, st.Region, st.Group))
		if !ok || g.RetentionInDays == 0 {
			continue
		}
		if err := s.events.Trim(st.ID, s.oldest(g)); err != nil {
			slog.WarnContext(ctx, "expiring log events", "group", g.Name, "stream", st.Name, "error", err)
		}
	}
}

// oldest is the time, in milliseconds, before which events of the group have expired.
func (s *Service) oldest(g *state.LogGroup) int64 {
	if g.RetentionInDays == 0 {
		return 0
	}
	return s.now().AddDate(0, 0, -int(g.RetentionInDays)).UnixMilli()
}

// group finds the log group of a request by name.
func (s *Service) group(ctx context.Context, tx *store.Tx, name string) (*state.LogGroup, error) {
	id := caller.From(ctx)
	g, ok := state.LogGroups.Get(tx, state.Key(id.Account, id.Region, name))
	if !ok {
		return nil, errNoGroup()
	}
	return g, nil
}

// stream finds the log stream of a request by name.
func (s *Service) stream(tx *store.Tx, g *state.LogGroup, name string) (*state.LogStream, error) {
	st, ok := state.LogStreams.Get(tx, state.LogStreamKey(g.Account, g.Region, g.Name, name))
	if !ok {
		return nil, &logsapi.ResourceNotFoundException{Message: "The specified log stream does not exist."}
	}
	return st, nil
}

func errNoGroup() error {
	return &logsapi.ResourceNotFoundException{Message: "The specified log group does not exist."}
}

func invalid(message string) error { return &logsapi.InvalidParameterException{Message: message} }

// groupName takes the name of a group out of the two parameters by which
// requests give it; exactly one must be there.
func groupName(name, identifier string) (string, error) {
	switch {
	case name == "" && identifier == "":
		return "", invalid("Exactly one of logGroupName and logGroupIdentifier must be specified.")
	case name != "" && identifier != "":
		return "", &logsapi.ValidationException{Message: "LogGroup name and LogGroup ARN are mutually exclusive parameters."}
	case name != "":
		return name, nil
	}
	return nameOf(identifier), nil
}

// nameOf is the name of the group that an ARN, or a name, stands for.
func nameOf(identifier string) string {
	a, err := arn.Parse(identifier)
	if err != nil {
		return identifier
	}
	return strings.TrimSuffix(strings.TrimPrefix(a.Resource, "log-group:"), ":*")
}

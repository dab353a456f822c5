package cloudtrail

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/audit"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/cloudtrailapi"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/reconcile"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const principal = "cloudtrail.amazonaws.com"

// Events is the record of calls. Satisfied by audit.Log.
type Events interface {
	audit.Reader
	// Settle returns when what was recorded so far can be read.
	Settle(ctx context.Context)
}

// Options are what the service needs. Every is the time between two deliveries
// of a trail; zero for 5 s (AWS takes about five minutes).
type Options struct {
	DB     *store.DB
	Events Events
	S3     s3api.API // called as the service principal on behalf of a trail
	Every  time.Duration
	Now    func() time.Time
	Log    *slog.Logger
}

// Service is AWS CloudTrail. Its methods are the generated API.
type Service struct {
	Options
	deliveries reconcile.Loop // keys of trails
}

var _ cloudtrailapi.API = (*Service)(nil)

// New returns the service.
func New(o Options) *Service {
	if o.Every == 0 {
		o.Every = 5 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Service{Options: o}
	s.deliveries = reconcile.Loop{Name: "cloudtrail.delivery", Do: s.deliver}
	return s
}

// Run delivers events until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	for t := range state.Trails.All(s.DB.Read(), "") {
		s.deliveries.Add(t.Key())
	}
	return s.deliveries.Run(ctx)
}

// find returns the trail that a name or ARN stands for: one of this region, or a
// multi-region trail by its ARN.
func (s *Service) find(tx *store.Tx, id caller.Identity, name string) (*state.Trail, error) {
	region := id.Region
	given := name
	if strings.HasPrefix(name, "arn:") {
		a, err := arn.Parse(name)
		trail, ok := strings.CutPrefix(a.Resource, "trail/")
		if err != nil || !ok || a.Service != "cloudtrail" {
			return nil, &cloudtrailapi.CloudTrailARNInvalidException{Message: "Trail ARN is invalid: " + name}
		}
		if a.Account != id.Account {
			return nil, unknownTrail(given, id.Account)
		}
		region, name = a.Region, trail
	} else if err := checkName(name); err != nil {
		return nil, err
	}
	t, ok := state.Trails.Get(tx, state.Key(id.Account, region, name))
	if !ok {
		return nil, unknownTrail(given, id.Account)
	}
	return t, nil
}

// home is find for changes, which only the trail's home region takes.
func (s *Service) home(tx *store.Tx, id caller.Identity, name string) (*state.Trail, error) {
	t, err := s.find(tx, id, name)
	if err == nil && t.Region != id.Region {
		return nil, &cloudtrailapi.InvalidHomeRegionException{Message: "The trail " + t.ARN() + " can only be changed in its home region, " + t.Region + "."}
	}
	return t, err
}

// update changes a copy of a trail's record.
func (s *Service) update(ctx context.Context, name string, change func(*state.Trail) error) (*state.Trail, error) {
	var changed state.Trail
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		t, err := s.home(tx, caller.From(ctx), name)
		if err != nil {
			return err
		}
		changed = *t
		if err := change(&changed); err != nil {
			return err
		}
		state.Trails.Put(tx, &changed)
		return nil
	})
	if err == nil {
		s.deliveries.Add(changed.Key())
	}
	return &changed, err
}

func unknownTrail(name, account string) error {
	return &cloudtrailapi.TrailNotFoundException{Message: "Unknown trail: " + name + " for the user: " + account}
}

func refused(what string) error {
	return wire.NewError("UnsupportedOperationException", 400, "%s is not carried out by Neargate.", what)
}

package cloudtrail

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/audit"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/bucketlog"
	"github.com/neargate/neargate/internal/reconcile"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// A file holds so many events or bytes at most.
const (
	maxEvents = 5000
	maxBytes  = 16 << 20
)

// file is what a trail delivers at once: events of one account and region.
type file struct {
	region string
	first  audit.Position
	next   audit.Position // everything up to here is in the file, or not wanted
	at     time.Time      // of the first event
	events []string
}

// place is where the files of a trail lie.
func place(t *state.Trail, region string) bucketlog.Place {
	return bucketlog.Place{Bucket: t.Bucket, Prefix: t.Prefix, Account: t.Account, Region: region, Service: "CloudTrail"}
}

// name is the key of the file. It follows from the place of the first event.
func (f *file) name(t *state.Trail) string {
	seed := t.ARN() + f.region + strconv.FormatInt(f.first.Time, 36) + "." + strconv.FormatUint(f.first.Seq, 36)
	return place(t, f.region).Key(f.at, seed, ".json.gz")
}

// content is the gzipped JSON.
func (f *file) content() ([]byte, error) {
	return bucketlog.Gzip(`{"Records":[` + strings.Join(f.events, ",") + `]}`)
}

// deliver takes one step with a trail: one file of each region and category.
func (s *Service) deliver(ctx context.Context, key string) (reconcile.Result, error) {
	t, ok := state.Trails.Get(s.DB.Read(), key)
	if !ok || !t.Logging {
		return reconcile.Result{}, nil
	}
	s.Events.Settle(ctx)
	delivered := maps.Clone(t.Delivered)
	if delivered == nil {
		delivered = map[string]state.TrailPosition{}
	}
	now := s.Now().UTC()
	result := state.TrailDelivery{At: t.Delivery.At, AttemptedAt: t.Delivery.AttemptedAt}
	for _, region := range s.regions(t) {
		for _, c := range []audit.Category{audit.Management, audit.Data} {
			if !category(t, c) {
				continue
			}
			f, err := s.gather(t, region, c)
			if err != nil {
				return reconcile.Result{}, err
			}
			if len(f.events) > 0 {
				result.AttemptedAt = now
				if err := s.put(ctx, t, f); err != nil {
					result.Error = codeOf(err)
					continue // the next step tries again
				}
				result.At = now
			}
			delivered[string(c)+"/"+region] = state.TrailPosition{Time: f.next.Time, Seq: f.next.Seq}
		}
	}
	return reconcile.Result{After: s.Every}, s.delivered(ctx, t, delivered, result)
}

// delivered notes what was delivered. A trail that was started anew meanwhile
// begins anew.
func (s *Service) delivered(ctx context.Context, of *state.Trail, positions map[string]state.TrailPosition, result state.TrailDelivery) error {
	if maps.Equal(positions, of.Delivered) && result == of.Delivery {
		return nil
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		t, ok := state.Trails.Get(tx, of.Key())
		if !ok || !t.StartedAt.Equal(of.StartedAt) {
			return nil
		}
		changed := *t
		changed.Delivered, changed.Delivery = positions, result
		state.Trails.Put(tx, &changed)
		return nil
	})
}

// regions are those whose events the trail delivers.
func (s *Service) regions(t *state.Trail) []string {
	regions := []string{t.Region}
	if t.MultiRegion {
		regions = s.Events.Regions(t.Account)
	}
	if t.GlobalEvents && !slices.Contains(regions, globalRegion) {
		regions = append(regions, globalRegion)
	}
	return regions
}

// globalRegion has the events of global services.
const globalRegion = "us-east-1"

// gather reads what is to be delivered next of a stream.
func (s *Service) gather(t *state.Trail, region string, c audit.Category) (*file, error) {
	at, ok := t.Delivered[string(c)+"/"+region]
	from := audit.Position{Time: at.Time, Seq: at.Seq}
	if !ok {
		from = audit.Position{Time: t.StartedAt.UnixMilli()}
	}
	f := &file{region: region, next: from}
	size := 0
	for stored, err := range s.Events.Read(t.Account, region, c, &from, false) {
		if err != nil {
			return nil, err
		}
		if len(f.events) == maxEvents || size > maxBytes {
			break
		}
		f.next = stored.Position
		e, err := audit.Parse(stored.JSON)
		if err != nil {
			return nil, err
		}
		if e.Time.Before(t.StartedAt.Truncate(time.Second)) || !wants(t, e) || region != t.Region && !t.MultiRegion && !audit.Global(e.Source) {
			continue
		}
		if len(f.events) == 0 {
			f.first, f.at = stored.Position, time.UnixMilli(stored.Position.Time)
		}
		f.events = append(f.events, stored.JSON)
		size += len(stored.JSON)
	}
	return f, nil
}

// as is who puts the trail's files into the bucket.
func as(ctx context.Context, t *state.Trail) context.Context {
	return bucketlog.As(ctx, principal, t.Account, t.Region, t.ARN())
}

func (s *Service) put(ctx context.Context, t *state.Trail, f *file) error {
	content, err := f.content()
	if err != nil {
		return err
	}
	return bucketlog.Put(as(ctx, t), s.S3, t.Bucket, f.name(t), bucketlog.Object{Content: content, Type: "application/json", Encoding: "gzip"})
}

// probe does what CreateTrail proves a bucket's policy with: it reads the
// bucket's ACL and puts an empty object where the files will be.
func (s *Service) probe(ctx context.Context, t *state.Trail) error {
	if _, err := s.S3.GetBucketAcl(as(ctx, t), &s3api.GetBucketAclRequest{Bucket: t.Bucket}); err != nil {
		return err
	}
	return bucketlog.Put(as(ctx, t), s.S3, t.Bucket, place(t, t.Region).Folder(), bucketlog.Object{})
}

// codeOf is the error as GetTrailStatus tells it: S3's code.
func codeOf(err error) string {
	var known wire.Error
	if errors.As(err, &known) {
		return known.ErrorCode()
	}
	return err.Error()
}

package cloudtrail

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/audit"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
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

// name is the key of the file. It follows from the place of the first event.
func (f *file) name(t *state.Trail) string {
	sum := sha256.Sum256([]byte(t.ARN() + f.region + strconv.FormatInt(f.first.Time, 36) + "." + strconv.FormatUint(f.first.Seq, 36)))
	unique := base32.StdEncoding.EncodeToString(sum[:])[:16]
	day, minute := f.at.UTC().Format("2006/01/02"), f.at.UTC().Format("20060102T1504Z")
	name := "AWSLogs/" + t.Account + "/CloudTrail/" + f.region + "/" + day + "/" + t.Account + "_CloudTrail_" + f.region + "_" + minute + "_" + unique + ".json.gz"
	if t.Prefix != "" {
		return strings.TrimSuffix(t.Prefix, "/") + "/" + name
	}
	return name
}

// content is the gzipped JSON.
func (f *file) content() ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, `{"Records":[`+strings.Join(f.events, ",")+`]}`)
	err = errors.Join(err, w.Close())
	return b.Bytes(), err
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
	id := caller.ForService(principal, t.Account, t.Region)
	id.SourceARN = t.ARN()
	return caller.With(ctx, id)
}

func (s *Service) put(ctx context.Context, t *state.Trail, f *file) error {
	content, err := f.content()
	if err != nil {
		return err
	}
	return s.write(ctx, t, f.name(t), content, "application/json", "gzip")
}

func (s *Service) write(ctx context.Context, t *state.Trail, key string, content []byte, contentType, encoding string) error {
	size := int64(len(content))
	_, err := s.S3.PutObject(as(ctx, t), &s3api.PutObjectRequest{
		Bucket: t.Bucket, Key: key, Body: io.NopCloser(bytes.NewReader(content)), ContentLength: &size, ContentType: contentType, ContentEncoding: encoding,
		ACL: s3api.ObjectCannedACLBucketOwnerFullControl, ServerSideEncryption: s3api.ServerSideEncryptionAes256,
	})
	return err
}

// probe does what CreateTrail proves a bucket's policy with: it reads the
// bucket's ACL and puts an empty object where the files will be.
func (s *Service) probe(ctx context.Context, t *state.Trail) error {
	if _, err := s.S3.GetBucketAcl(as(ctx, t), &s3api.GetBucketAclRequest{Bucket: t.Bucket}); err != nil {
		return err
	}
	key := "AWSLogs/" + t.Account + "/CloudTrail/"
	if t.Prefix != "" {
		key = strings.TrimSuffix(t.Prefix, "/") + "/" + key
	}
	return s.write(ctx, t, key, nil, "", "")
}

// codeOf is the error as GetTrailStatus tells it: S3's code.
func codeOf(err error) string {
	var known wire.Error
	if errors.As(err, &known) {
		return known.ErrorCode()
	}
	return err.Error()
}

package flowlog

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// bucket is S3 that remembers the objects, or refuses them.
type bucket struct {
	s3api.API
	objects map[string]string // key to unzipped content
	as      caller.Identity
	refuses bool
}

func (b *bucket) PutObject(ctx context.Context, in *s3api.PutObjectRequest) (*s3api.PutObjectOutput, error) {
	if b.refuses {
		return nil, errors.New("access denied")
	}
	r, err := gzip.NewReader(in.Body)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(r)
	b.objects[in.Bucket+"/"+in.Key], b.as = string(content), caller.From(ctx)
	return &s3api.PutObjectOutput{}, err
}

// A file of each interval, where AWS puts it, with the names of the fields first.
func TestFilesInABucket(t *testing.T) {
	w := newWorld(t, &state.FlowLog{ID: "fl-1", ResourceID: "vpc-1", TrafficType: "ALL", Bucket: "flows", Prefix: "of/vpcs", Format: "${srcaddr} ${dstport} ${action}"})
	b := &bucket{objects: map[string]string{}}
	w.writer.Buckets = b
	w.flows = []network.Connection{flow("203.0.113.1:50000", "10.0.0.20:80", 3, 0)}
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	w.writer.Write(t.Context(), at)
	if len(b.objects) != 1 {
		t.Fatalf("objects: %v", b.objects)
	}
	want := regexp.MustCompile(`^flows/of/vpcs/AWSLogs/111111111111/vpcflowlogs/eu-west-1/2026/03/04/111111111111_vpcflowlogs_eu-west-1_fl-1_20260304T0506Z_[0-9A-Z]{16}\.log\.gz$`)
	for key, content := range b.objects {
		if !want.MatchString(key) || content != "srcaddr dstport action\n203.0.113.1 80 ACCEPT\n" {
			t.Errorf("%s:\n%s", key, content)
		}
	}
	if b.as.ServiceName != DeliveryPrincipal || b.as.SourceARN != "arn:aws:logs:eu-west-1:111111111111:*" {
		t.Errorf("put as %+v", b.as)
	}
	b.refuses = true
	w.flows = []network.Connection{flow("203.0.113.1:50000", "10.0.0.20:80", 4, 0)}
	w.writer.Write(t.Context(), at.Add(time.Minute))
	if f, _ := state.FlowLogs.Get(w.writer.DB.Read(), state.Key(account, region, "fl-1")); !strings.Contains(f.DeliveryError, "Access error") {
		t.Errorf("the status is %q", f.DeliveryError)
	}
}

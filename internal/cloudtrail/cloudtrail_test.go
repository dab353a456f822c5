package cloudtrail_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/audit"
	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/cloudtrailapi"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/cloudtrail"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const acct = "111111111111"

// bucket is an S3 with one bucket; deny is its policy.
type bucket struct {
	s3api.API
	mu    sync.Mutex
	files map[string][]byte
	deny  error
	as    caller.Identity
}

func (b *bucket) GetBucketAcl(ctx context.Context, in *s3api.GetBucketAclRequest) (*s3api.GetBucketAclOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.as = caller.From(ctx)
	if in.Bucket != "trail" {
		return nil, wire.NewError("NoSuchBucket", 404, "The specified bucket does not exist")
	}
	return &s3api.GetBucketAclOutput{}, b.deny
}

func (b *bucket) PutObject(_ context.Context, in *s3api.PutObjectRequest) (*s3api.PutObjectOutput, error) {
	content, _ := io.ReadAll(in.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.deny == nil {
		b.files[in.Key] = content
	}
	return &s3api.PutObjectOutput{}, b.deny
}

// events are the names of the delivered events, by the folder of their region.
func (b *bucket) events(t *testing.T) map[string][]string {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[string][]string{}
	for key, content := range b.files {
		if strings.HasSuffix(key, "/") {
			continue
		}
		zipped, err := gzip.NewReader(strings.NewReader(string(content)))
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		var file struct {
			Records []struct {
				EventName, AwsRegion string
				UserIdentity         struct{ Arn string }
			}
		}
		if err := json.NewDecoder(zipped).Decode(&file); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		for _, r := range file.Records {
			out[r.AwsRegion] = append(out[r.AwsRegion], r.EventName)
		}
		for _, r := range file.Records {
			if !strings.Contains(key, "AWSLogs/"+acct+"/CloudTrail/"+r.AwsRegion+"/20") {
				t.Errorf("an event of %s is in %s", r.AwsRegion, key)
			}
		}
	}
	return out
}

type world struct {
	*cloudtrail.Service
	db     *store.DB
	log    *audit.Log
	bucket *bucket
	ctx    context.Context
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir, quiet := t.TempDir(), slog.New(slog.DiscardHandler)
	db, err := store.Open(filepath.Join(dir, "db"), state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	log, err := audit.Open(filepath.Join(dir, "audit"), quiet)
	if err != nil {
		t.Fatal(err)
	}
	b := &bucket{files: map[string][]byte{}}
	w := &world{db: db, log: log, bucket: b, ctx: caller.With(t.Context(), caller.ForRoot(acct, "eu-west-1"))}
	w.Service = cloudtrail.New(cloudtrail.Options{DB: db, Events: log, S3: b, Every: 20 * time.Millisecond, Log: quiet})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { log.Run(ctx) })
	running.Go(func() { w.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait(); db.Close() })
	return w
}

// call records a call that somebody made.
func (w *world) call(id caller.Identity, op *wire.Operation, in any, resource string) {
	w.log.Record(audit.Call{Identity: id, Operation: op, In: in, At: time.Now(), Rules: []authorize.Rule{{Resources: authorize.On(resource)}}})
}

func (w *world) lookup(t *testing.T, key, value string) []string {
	t.Helper()
	in := &cloudtrailapi.LookupEventsRequest{}
	if key != "" {
		in.LookupAttributes = []cloudtrailapi.LookupAttribute{{AttributeKey: cloudtrailapi.LookupAttributeKey(key), AttributeValue: value}}
	}
	one := int32(1)
	in.MaxResults = &one // so that every lookup reads several pages
	var names []string
	for {
		out, err := w.LookupEvents(w.ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range out.Events {
			names = append(names, e.EventName)
		}
		if in.NextToken = out.NextToken; in.NextToken == "" {
			return names
		}
	}
}

func TestLookupFindsByEachAttribute(t *testing.T) {
	w := newWorld(t)
	ann := caller.Identity{Account: acct, Region: "eu-west-1", Type: caller.User, ARN: "arn:aws:iam::111111111111:user/ann", AccessKeyID: "LKIAANN", RequestID: "1"}
	root := caller.ForRoot(acct, "eu-west-1")
	w.call(ann, ecsapi.Model.Operation("StopTask"), &ecsapi.StopTaskRequest{Task: "1"}, "arn:aws:ecs:eu-west-1:111111111111:task/c/1")
	w.call(root, ecsapi.Model.Operation("DescribeTasks"), &ecsapi.DescribeTasksRequest{Tasks: []string{"1"}}, "*")
	w.call(root, s3api.Model.Operation("CreateBucket"), &s3api.CreateBucketRequest{Bucket: "b"}, "arn:aws:s3:::b")
	w.call(root, s3api.Model.Operation("GetObject"), &s3api.GetObjectRequest{Bucket: "b", Key: "k"}, "arn:aws:s3:::b/k") // a data event
	for query, want := range map[string]string{
		"":                             "[CreateBucket DescribeTasks StopTask]",
		"EventName=StopTask":           "[StopTask]",
		"EventSource=s3.amazonaws.com": "[CreateBucket]",
		"Username=ann":                 "[StopTask]",
		"Username=root":                "[CreateBucket DescribeTasks]",
		"AccessKeyId=LKIAANN":          "[StopTask]",
		"ReadOnly=true":                "[DescribeTasks]",
		"ResourceType=AWS::ECS::Task":  "[StopTask]",
		"ResourceName=b":               "[CreateBucket]",
		"ResourceName=c/1":             "[StopTask]",
		"ResourceName=nobody":          "[]",
	} {
		key, value, _ := strings.Cut(query, "=")
		if got := fmt.Sprint(w.lookup(t, key, value)); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
	if _, err := w.LookupEvents(w.ctx, &cloudtrailapi.LookupEventsRequest{NextToken: "!"}); code(err) != "InvalidNextTokenException" {
		t.Errorf("bad token: %v", err)
	}
}

func code(err error) string {
	var e wire.Error
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

// eventually waits for something that the delivery loop does.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func (w *world) trail(t *testing.T, in *cloudtrailapi.CreateTrailRequest) {
	t.Helper()
	in.S3BucketName = "trail"
	if _, err := w.CreateTrail(w.ctx, in); err != nil {
		t.Fatal(err)
	}
	if _, err := w.StartLogging(w.ctx, &cloudtrailapi.StartLoggingRequest{Name: in.Name}); err != nil {
		t.Fatal(err)
	}
}

func TestTrailDeliversWhatItsSelectorsWant(t *testing.T) {
	w := newWorld(t)
	w.call(caller.ForRoot(acct, "eu-west-1"), ecsapi.Model.Operation("CreateCluster"), &ecsapi.CreateClusterRequest{}, "*") // before the trail
	time.Sleep(1100 * time.Millisecond)                                                                                     // events tell seconds
	w.trail(t, &cloudtrailapi.CreateTrailRequest{Name: "all"})
	if w.bucket.as.ServiceName != "cloudtrail.amazonaws.com" || w.bucket.as.SourceARN != "arn:aws:cloudtrail:eu-west-1:111111111111:trail/all" {
		t.Errorf("the bucket's policy is asked for %+v", w.bucket.as)
	}
	root := caller.ForRoot(acct, "eu-west-1")
	elsewhere := caller.ForRoot(acct, "eu-central-1")
	get := func(bucket string) {
		w.call(root, s3api.Model.Operation("GetObject"), &s3api.GetObjectRequest{Bucket: bucket, Key: "k"}, "arn:aws:s3:::"+bucket+"/k")
	}
	get("mine")
	w.call(root, ecsapi.Model.Operation("StopTask"), &ecsapi.StopTaskRequest{Task: "1"}, "*")
	w.call(elsewhere, ecsapi.Model.Operation("StopTask"), &ecsapi.StopTaskRequest{Task: "1"}, "*")
	w.call(root, iamapi.Model.Operation("CreateUser"), &iamapi.CreateUserRequest{UserName: "ann"}, "*")
	eventually(t, "a file", func() bool {
		return fmt.Sprint(w.bucket.events(t)) == "map[eu-west-1:[StopTask] us-east-1:[CreateUser]]"
	})

	_, err := w.PutEventSelectors(w.ctx, &cloudtrailapi.PutEventSelectorsRequest{TrailName: "all", EventSelectors: []cloudtrailapi.EventSelector{{
		ReadWriteType: "ReadOnly", IncludeManagementEvents: new(bool), DataResources: []cloudtrailapi.DataResource{{Type: "AWS::S3::Object", Values: []string{"arn:aws:s3:::mine/"}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	get("mine")
	get("other")
	w.call(root, ecsapi.Model.Operation("StopTask"), &ecsapi.StopTaskRequest{Task: "2"}, "*")
	eventually(t, "data events", func() bool {
		return fmt.Sprint(w.bucket.events(t)["eu-west-1"]) == "[StopTask GetObject GetObject]" || fmt.Sprint(w.bucket.events(t)["eu-west-1"]) == "[GetObject GetObject StopTask]"
	})
}

func TestTrailOfAllRegions(t *testing.T) {
	w := newWorld(t)
	w.trail(t, &cloudtrailapi.CreateTrailRequest{Name: "all", IsMultiRegionTrail: true})
	w.call(caller.ForRoot(acct, "eu-central-1"), ecsapi.Model.Operation("StopTask"), &ecsapi.StopTaskRequest{Task: "1"}, "*")
	eventually(t, "a file", func() bool { return fmt.Sprint(w.bucket.events(t)) == "map[eu-central-1:[StopTask]]" })
	elsewhere := caller.With(t.Context(), caller.ForRoot(acct, "eu-central-1"))
	out, err := w.DescribeTrails(elsewhere, &cloudtrailapi.DescribeTrailsRequest{})
	if err != nil || len(out.TrailList) != 1 || out.TrailList[0].HomeRegion != "eu-west-1" {
		t.Errorf("elsewhere: %+v, %v", out, err)
	}
	_, err = w.DeleteTrail(elsewhere, &cloudtrailapi.DeleteTrailRequest{Name: out.TrailList[0].TrailARN})
	if code(err) != "InvalidHomeRegionException" {
		t.Errorf("deleted from elsewhere: %v", err)
	}
}

// TestFailedDeliveriesAreTriedAgain tells of the failure and loses nothing.
func TestFailedDeliveriesAreTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.trail(t, &cloudtrailapi.CreateTrailRequest{Name: "all"})
	w.bucket.mu.Lock()
	w.bucket.deny = wire.NewError("AccessDenied", 403, "no")
	w.bucket.mu.Unlock()
	w.call(caller.ForRoot(acct, "eu-west-1"), ecsapi.Model.Operation("StopTask"), &ecsapi.StopTaskRequest{Task: "1"}, "*")
	eventually(t, "an error", func() bool {
		out, err := w.GetTrailStatus(w.ctx, &cloudtrailapi.GetTrailStatusRequest{Name: "all"})
		return err == nil && out.IsLogging && out.LatestDeliveryError == "AccessDenied"
	})
	w.bucket.mu.Lock()
	w.bucket.deny = nil
	w.bucket.mu.Unlock()
	eventually(t, "the file", func() bool { return fmt.Sprint(w.bucket.events(t)) == "map[eu-west-1:[StopTask]]" })
	eventually(t, "no error", func() bool {
		out, err := w.GetTrailStatus(w.ctx, &cloudtrailapi.GetTrailStatusRequest{Name: "all"})
		return err == nil && out.LatestDeliveryError == "" && !out.LatestDeliveryTime.IsZero()
	})
}

func TestWhatCreateTrailRefuses(t *testing.T) {
	w := newWorld(t)
	create := func(in cloudtrailapi.CreateTrailRequest) string {
		if in.S3BucketName == "" {
			in.S3BucketName = "trail"
		}
		_, err := w.CreateTrail(w.ctx, &in)
		return code(err)
	}
	for want, in := range map[string]cloudtrailapi.CreateTrailRequest{
		"InvalidTrailNameException":            {Name: "a"},
		"S3BucketDoesNotExistException":        {Name: "ok1", S3BucketName: "none"},
		"UnsupportedOperationException":        {Name: "ok1", KmsKeyId: "alias/x"},
		"InvalidParameterCombinationException": {Name: "ok1", IsMultiRegionTrail: true, IncludeGlobalServiceEvents: new(bool)},
		"<nil>":                                {Name: "ok2"},
	} {
		if got := create(in); got != want {
			t.Errorf("%+v: %s, want %s", in, got, want)
		}
	}
	if got := create(cloudtrailapi.CreateTrailRequest{Name: "ok2"}); got != "TrailAlreadyExistsException" {
		t.Errorf("twice: %s", got)
	}
	w.bucket.deny = wire.NewError("AccessDenied", 403, "no")
	if got := create(cloudtrailapi.CreateTrailRequest{Name: "ok3"}); got != "InsufficientS3BucketPolicyException" {
		t.Errorf("without a policy: %s", got)
	}
	for _, name := range []string{"-a1", "a1-", "a..b", "a b", "10.0.0.1", strings.Repeat("a", 129)} {
		if got := create(cloudtrailapi.CreateTrailRequest{Name: name}); got != "InvalidTrailNameException" {
			t.Errorf("%q: %s", name, got)
		}
	}
}

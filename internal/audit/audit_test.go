package audit_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/audit"
	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
)

const acct = "111111111111"

// open opens a log and runs it until the test ends, or until stop is called.
func open(t testing.TB, dir string) (l *audit.Log, stop func()) {
	t.Helper()
	l, err := audit.Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { l.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(stop)
	return l, stop
}

func read(t testing.TB, l *audit.Log, region string, c audit.Category) []string {
	t.Helper()
	l.Settle(t.Context())
	var out []string
	for e, err := range l.Read(acct, region, c, nil, false) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e.JSON)
	}
	return out
}

// task is a session of a task's role that came through an endpoint.
func task() caller.Identity {
	return caller.Identity{
		Account: acct, Region: "eu-west-1", Type: caller.AssumedRole, ARN: "arn:aws:sts::111111111111:assumed-role/app/4f5a", UserID: "AROA1:4f5a", AccessKeyID: "LSIA1",
		RoleARN: "arn:aws:iam::111111111111:role/path/app", SessionName: "4f5a", Scope: "arn:aws:ecs:eu-west-1:111111111111:task/c/4f5a", IssuedAt: time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC),
		SourceIP: netip.MustParseAddr("10.0.1.5"), SourceVPC: "vpc-1", SourceVPCE: "vpce-1", UserAgent: "Boto3/1.43", RequestID: "request-1",
	}
}

func at(hour int) time.Time { return time.Date(2026, 11, 28, hour, 4, 5, 0, time.UTC) }

// TestEventOfATask is the whole of an event: who (with the task), through which
// endpoint, what, on which resource, and how it ended.
func TestEventOfATask(t *testing.T) {
	l, _ := open(t, t.TempDir())
	l.Record(audit.Call{
		Identity: task(), Operation: ecsapi.Model.Operation("StopTask"), In: &ecsapi.StopTaskRequest{Cluster: "c", Task: "4f5a", Reason: "done"}, At: at(15),
		Err: wire.NewError("AccessDeniedException", 400, "User: x is not authorized"), TLS: "TLSv1.3", Cipher: "TLS_AES_128_GCM_SHA256", Host: "ecs.eu-west-1.amazonaws.com",
		Rules: []authorize.Rule{{Action: "ecs:StopTask", Resources: authorize.On("arn:aws:ecs:eu-west-1:111111111111:task/c/4f5a")}},
	})
	got := read(t, l, "eu-west-1", audit.Management)
	if len(got) != 1 {
		t.Fatalf("%d events", len(got))
	}
	id := got[0][strings.Index(got[0], `"eventID":"`)+11:][:36]
	want := `{"eventVersion":"1.11",` +
		`"userIdentity":{"type":"AssumedRole","principalId":"AROA1:4f5a","arn":"arn:aws:sts::111111111111:assumed-role/app/4f5a","accountId":"111111111111","accessKeyId":"LSIA1",` +
		`"sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROA1","arn":"arn:aws:iam::111111111111:role/path/app","accountId":"111111111111","userName":"app"},` +
		`"attributes":{"creationDate":"2026-11-28T09:00:00Z","mfaAuthenticated":"false"}},` +
		`"inScopeOf":{"issuerType":"AWS::ECS::Task","credentialsIssuedTo":"arn:aws:ecs:eu-west-1:111111111111:task/c/4f5a"}},` +
		`"eventTime":"2026-11-28T15:04:05Z","eventSource":"ecs.amazonaws.com","eventName":"StopTask","awsRegion":"eu-west-1","sourceIPAddress":"10.0.1.5","userAgent":"Boto3/1.43",` +
		`"errorCode":"AccessDeniedException","errorMessage":"User: x is not authorized",` +
		`"requestParameters":{"cluster":"c","task":"4f5a","reason":"done"},"responseElements":null,"requestID":"request-1","eventID":"` + id + `","readOnly":false,` +
		`"resources":[{"accountId":"111111111111","type":"AWS::ECS::Task","ARN":"arn:aws:ecs:eu-west-1:111111111111:task/c/4f5a"}],` +
		`"eventType":"AwsApiCall","apiVersion":"2014-11-13","managementEvent":true,"recipientAccountId":"111111111111","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111111111111",` +
		`"eventCategory":"Management","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"ecs.eu-west-1.amazonaws.com"}}`
	if got[0] != want {
		t.Errorf("got  %s\nwant %s", got[0], want)
	}
}

// TestNothingSecretIsRecorded looks for what was secret in the events of calls
// that carry secrets both ways.
func TestNothingSecretIsRecorded(t *testing.T) {
	l, _ := open(t, t.TempDir())
	root := caller.ForRoot(acct, "eu-west-1")
	record := func(op *wire.Operation, in, out any) {
		l.Record(audit.Call{Identity: root, Operation: op, In: in, Out: out, At: at(1)})
	}
	const secret = "hunter2"
	record(secretsmanagerapi.Model.Operation("CreateSecret"), &secretsmanagerapi.CreateSecretRequest{Name: "db", SecretString: secret, SecretBinary: []byte(secret)}, &secretsmanagerapi.CreateSecretResponse{Name: "db"})
	record(secretsmanagerapi.Model.Operation("GetSecretValue"), &secretsmanagerapi.GetSecretValueRequest{SecretId: "db"}, &secretsmanagerapi.GetSecretValueResponse{SecretString: secret})
	record(ssmapi.Model.Operation("PutParameter"), &ssmapi.PutParameterRequest{Name: "/db", Value: secret}, &ssmapi.PutParameterResult{})
	record(iamapi.Model.Operation("CreateAccessKey"), &iamapi.CreateAccessKeyRequest{UserName: "ann"}, &iamapi.CreateAccessKeyResponse{AccessKey: &iamapi.AccessKey{AccessKeyId: "LKIA1", SecretAccessKey: secret}})
	record(ecsapi.Model.Operation("RegisterTaskDefinition"), &ecsapi.RegisterTaskDefinitionRequest{
		Family: "app", ContainerDefinitions: []ecsapi.ContainerDefinition{{Name: "app", Environment: []ecsapi.KeyValuePair{{Name: "PASSWORD", Value: secret}}}},
	}, nil)
	all := append(read(t, l, "eu-west-1", audit.Management), read(t, l, "us-east-1", audit.Management)...)
	if len(all) != 5 {
		t.Fatalf("%d events", len(all))
	}
	text := strings.Join(all, "\n")
	if strings.Contains(text, secret) {
		t.Errorf("a secret was recorded: %s", text)
	}
	for _, want := range []string{`"name":"/db"`, `"accessKeyId":"LKIA1"`, `"family":"app"`, wire.Hidden} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in %s", want, text)
		}
	}
}

// TestKindsOfEvents tells reads from writes, data from management, global from regional.
func TestKindsOfEvents(t *testing.T) {
	l, _ := open(t, t.TempDir())
	root := caller.ForRoot(acct, "eu-west-1")
	for op, in := range map[*wire.Operation]any{
		s3api.Model.Operation("GetObject"):       &s3api.GetObjectRequest{Bucket: "b", Key: "k"},
		s3api.Model.Operation("CreateBucket"):    &s3api.CreateBucketRequest{Bucket: "b"},
		ecsapi.Model.Operation("DescribeTasks"):  &ecsapi.DescribeTasksRequest{Tasks: []string{"1"}},
		iamapi.Model.Operation("CreateUser"):     &iamapi.CreateUserRequest{UserName: "ann"},
		ecsapi.Model.Operation("DeleteCluster"):  &ecsapi.DeleteClusterRequest{Cluster: "c"},
		ecsapi.Model.Operation("ListTaskDefini"): nil, // no such operation: nothing to record
	} {
		l.Record(audit.Call{Identity: root, Operation: op, In: in, At: at(1)})
	}
	describe := func(region string, c audit.Category) map[string]bool {
		out := map[string]bool{}
		for _, text := range read(t, l, region, c) {
			e, err := audit.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			out[e.Name] = e.ReadOnly
		}
		return out
	}
	for place, want := range map[string]map[string]bool{
		"eu-west-1 Management": {"CreateBucket": false, "DescribeTasks": true, "DeleteCluster": false},
		"eu-west-1 Data":       {"GetObject": true},
		"us-east-1 Management": {"CreateUser": false},
	} {
		region, c, _ := strings.Cut(place, " ")
		got, _ := json.Marshal(describe(region, audit.Category(c)))
		if wanted, _ := json.Marshal(want); string(got) != string(wanted) {
			t.Errorf("%s: %s, want %s", place, got, wanted)
		}
	}
	if got := l.Regions(acct); len(got) != 2 || got[0] != "eu-west-1" || got[1] != "us-east-1" {
		t.Errorf("regions %v", got)
	}
}

// TestWhatWasRecordedStays stores what is queued when the log ends, and also what
// comes afterwards.
func TestWhatWasRecordedStays(t *testing.T) {
	dir := t.TempDir()
	l, stop := open(t, dir)
	call := audit.Call{Identity: task(), Operation: ecsapi.Model.Operation("StopTask"), In: &ecsapi.StopTaskRequest{Task: "1"}, At: at(1)}
	for range 500 {
		l.Record(call)
	}
	stop()
	l.Record(call)
	again, _ := open(t, dir)
	if n := len(read(t, again, "eu-west-1", audit.Management)); n != 501 {
		t.Errorf("%d events after a restart, want 501", n)
	}
}

// TestLargePartsAreLeftOut bounds an event.
func TestLargePartsAreLeftOut(t *testing.T) {
	l, _ := open(t, t.TempDir())
	l.Record(audit.Call{Identity: task(), Operation: ecsapi.Model.Operation("StopTask"), In: &ecsapi.StopTaskRequest{Task: strings.Repeat("x", 200<<10)}, At: at(1)})
	if got := read(t, l, "eu-west-1", audit.Management); len(got) != 1 || !strings.Contains(got[0], `"requestParameters":{"omitted":true,"originalSize":`) || len(got[0]) > 4000 {
		t.Errorf("%.300s", got)
	}
}

func BenchmarkEvent(b *testing.B) {
	call := audit.Call{Identity: task(), Operation: ecsapi.Model.Operation("DescribeTasks"), In: &ecsapi.DescribeTasksRequest{Cluster: "c", Tasks: []string{"1", "2"}}, At: at(1)}
	b.ReportAllocs()
	for b.Loop() {
		c := call
		c.Encode()
	}
}

package metadata

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files; read the difference before it is committed")

var (
	one   = Caller{"vpc-1", netip.MustParseAddr("10.0.1.5")}
	other = Caller{"vpc-2", netip.MustParseAddr("10.0.1.5")} // the same address in another VPC
)

// tasks is a Source with one task, in vpc-1.
type tasks struct{}

func (tasks) Task(_ context.Context, c Caller) (Task, error) {
	if c != one {
		return Task{}, ErrNotFound
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	index, code := 0, 3
	network := Network{NetworkMode: "awsvpc", IPv4Addresses: []string{"10.0.1.5"}, AttachmentIndex: &index, MACAddress: "02:00:00:00:00:01",
		IPv4SubnetCIDRBlock: "10.0.1.0/24", DomainNameServers: []string{"10.0.0.2"}, PrivateDNSName: "ip-10-0-1-5.ec2.internal", SubnetGateway: "10.0.1.1/24"}
	return Task{
		Cluster: "arn:aws:ecs:us-east-1:000000000000:cluster/c", TaskARN: "arn:aws:ecs:us-east-1:000000000000:task/c/t", Family: "web", Revision: "7",
		DesiredStatus: "RUNNING", KnownStatus: "RUNNING", Limits: &TaskLimits{CPU: 0.25, Memory: 512}, PullStartedAt: at, AvailabilityZone: "us-east-1a", LaunchType: "FARGATE",
		TaskTags:   map[string]string{"team": "blue"},
		ClockDrift: &ClockDrift{ReferenceTimestamp: at, ClockSynchronizationStatus: "SYNCHRONIZED"}, EphemeralStorage: &EphemeralStorage{Utilized: 12, Reserved: 20496},
		Containers: []Container{
			{DockerID: "t-1", Name: "app", DockerName: "app", Image: "nginx:1", ImageID: "sha256:00", DesiredStatus: "RUNNING", KnownStatus: "RUNNING", Type: "NORMAL",
				Limits: ContainerLimits{CPU: 2, Memory: 128}, CreatedAt: at, StartedAt: at, LogDriver: "awslogs", LogOptions: map[string]string{"awslogs-group": "g"},
				Labels: map[string]string{"com.amazonaws.ecs.cluster": "c"}, ContainerARN: "arn:aws:ecs:us-east-1:000000000000:container/c/t/x", Snapshotter: "overlayfs", Networks: []Network{network}},
			{DockerID: "t-2", Name: "init", DockerName: "init", Image: "busybox", ImageID: "sha256:01", DesiredStatus: "STOPPED", KnownStatus: "STOPPED", ExitCode: &code, Type: "NORMAL", Networks: []Network{network}},
		},
	}, nil
}

func (tasks) Credentials(_ context.Context, c Caller, id string) (Credentials, error) {
	switch {
	case c != one:
		return Credentials{}, ErrNotFound
	case id == "secret":
		return Credentials{"arn:aws:iam::000000000000:role/r", "LSIAX", "key", "token", time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)}, nil
	case id == "later":
		return Credentials{}, ErrNotReady
	case id == "broken":
		return Credentials{}, errors.New("disk on fire")
	}
	return Credentials{}, ErrNotFound
}

func (tasks) Stats(_ context.Context, c Caller) (map[string]*Stats, error) {
	return map[string]*Stats{"t-1": {ID: "t-1", Name: "app", Memory: MemoryStats{Usage: 1000, Limit: 2000}, Rate: &NetworkRate{Rx: 1.5}}, "t-2": nil}, nil
}

func handlerFor(c Caller) *Handler {
	return NewHandler(tasks{}, func(*http.Request) (Caller, bool) { return c, c != Caller{} }, slog.New(slog.DiscardHandler))
}

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w
}

// The bodies, as a task reads them.
func TestGolden(t *testing.T) {
	for name, path := range map[string]string{
		"v4-container": "/v4/t-1", "v4-task": "/v4/t-1/task", "v4-tags": "/v4/t-2/taskWithTags", "v4-stats": "/v4/t-1/stats", "v4-task-stats": "/v4/t-1/task/stats",
		"v3-container": "/v3/t-1", "v3-task": "/v3/t-2/task", "v2-task": "/v2/metadata", "v2-container": "/v2/metadata/t-2", "credentials": "/v2/credentials/secret",
	} {
		t.Run(name, func(t *testing.T) {
			w := get(handlerFor(one), path)
			if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
				t.Fatalf("%d %s: %s", w.Code, w.Header(), w.Body)
			}
			var got bytes.Buffer
			if err := json.Indent(&got, w.Body.Bytes(), "", "  "); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		caller Caller
		path   string
		code   int
		body   string
	}{
		{one, "/v2/credentials/none", 400, `{"code":"InvalidIdInRequest","message":"CredentialsV2Request: Credentials not found","HTTPErrorCode":400}`},
		{one, "/v2/credentials/", 400, `{"code":"NoIdInRequest","message":"CredentialsV2Request: No Credential ID in the request","HTTPErrorCode":400}`},
		{one, "/v2/credentials", 400, `{"code":"NoIdInRequest","message":"CredentialsV2Request: No Credential ID in the request","HTTPErrorCode":400}`},
		{one, "/v2/credentials/later", 503, `{"code":"CredentialsUninitialized","message":"CredentialsV2Request: Credentials uninitialized for ID","HTTPErrorCode":503}`},
		{one, "/v2/credentials/broken", 500, `{"code":"InternalServerError","message":"CredentialsV2Request: Internal server error","HTTPErrorCode":500}`},
		{one, "/v1/credentials?id=none", 400, `{"code":"InvalidIdInRequest","message":"CredentialsV1Request: Credentials not found","HTTPErrorCode":400}`},
		{other, "/v2/credentials/secret", 400, `{"code":"InvalidIdInRequest","message":"CredentialsV2Request: Credentials not found","HTTPErrorCode":400}`},
		{other, "/v4/t-1", 404, `"V4 container metadata handler: unable to get container ID from request: unable to get container ID from v3 endpoint ID: t-1"`},
		{one, "/v4/t-9/task", 404, `"V4 task metadata handler: unable to get task arn from request: unable to get task arn from v3 endpoint ID: t-9"`},
		{one, "/v4/t-9/stats", 404, `"V4 container stats handler: unable to get container ID from request: unable to get container ID from v3 endpoint ID: t-9"`},
		{one, "/api/t-1/task-protection/v1/state", 404, `{"error":{"Code":"UnsupportedOperation","Message":"Neargate does not carry out /api/t-1/task-protection/v1/state"}}`},
		{Caller{}, "/v2/credentials/secret", 403, "who calls is not known\n"},
	}
	for _, tt := range tests {
		w := get(handlerFor(tt.caller), tt.path)
		if w.Code != tt.code || w.Body.String() != tt.body {
			t.Errorf("%s: %d %s\nwant %d %s", tt.path, w.Code, w.Body, tt.code, tt.body)
		}
	}
}

func TestThrottle(t *testing.T) {
	now := time.Unix(0, 0)
	l := newLimiter(func() time.Time { return now })
	allowed := func(c Caller, n int) (count int) {
		for range n {
			if l.allow(c) {
				count++
			}
		}
		return count
	}
	if got := allowed(one, 100); got != burst {
		t.Errorf("%d at once", got)
	}
	if got := allowed(other, 1); got != 1 {
		t.Error("one caller takes another's share")
	}
	now = now.Add(500 * time.Millisecond)
	if got := allowed(one, 100); got != perSecond/2 {
		t.Errorf("%d after half a second", got)
	}
	h := handlerFor(one)
	h.limit = l
	if w := get(h, "/v4/t-1"); w.Code != http.StatusTooManyRequests {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	now = now.Add(time.Minute)
	l.forgetFull(now)
	if len(l.buckets) != 0 {
		t.Errorf("%d buckets stay", len(l.buckets))
	}
}

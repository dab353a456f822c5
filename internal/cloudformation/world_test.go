package cloudformation_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/cloudformation"
	"github.com/neargate/neargate/internal/ec2"
	"github.com/neargate/neargate/internal/ecs"
	"github.com/neargate/neargate/internal/edge"
	"github.com/neargate/neargate/internal/logs"
	"github.com/neargate/neargate/internal/logstore"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
	"github.com/neargate/neargate/internal/testenv"
)

const (
	account = "000000000000"
	region  = "eu-west-1"
)

// world is CloudFormation with the real handlers of EC2, ECS and Logs, IAM and
// S3 in memory, a data plane that accepts everything and an agent that starts
// every task.
type world struct {
	t   *testing.T
	db  *store.DB
	api *cloudformation.Service
	ctx context.Context
	ec2 *ec2.Service
	ecs *ecs.Service
	iam *memoryIAM
	s3  *memoryS3

	sets     int
	effects  int // calls that changed something
	crashAt  int // the effect after which the process ends; 0 for none
	mu       sync.Mutex
	handlers map[*wire.Service]wire.Handlers
	calls    []string                // "EC2 CreateVpc" ...
	refuse   map[string]func() error // by call
	failing  string                  // reason with which the agent stops every task; "" lets them run
	stop     context.CancelFunc
	stopped  chan struct{}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: db, ctx: caller.With(t.Context(), caller.ForRoot(account, region)), refuse: map[string]func() error{}}
	site := network.Site{Instance: "test", AWS: network.DefaultAWS, Uplinks: network.DefaultUplinks}
	w.ec2 = ec2.New(db, engine{}, noEdge{}, ec2.Divide(site))
	w.ecs = ecs.New(ecs.Deps{DB: db, Checker: allow{}, Roles: allow{}})
	lines, err := logstore.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w.iam, w.s3 = &memoryIAM{roles: map[string]*iamapi.Role{}, policies: map[string]map[string]string{}}, &memoryS3{objects: map[string]string{}, buckets: map[string][]string{}}
	w.handlers = map[*wire.Service]wire.Handlers{
		ec2api.Model: ec2api.Bind(w.ec2), ecsapi.Model: ecsapi.Bind(w.ecs), logsapi.Model: logsapi.Bind(logs.New(db, lines, time.Now)),
		iamapi.Model: iamapi.Bind(w.iam), s3api.Model: s3api.Bind(w.s3),
	}
	w.start()
	t.Cleanup(func() { w.stop(); <-w.stopped })
	return w
}

// start begins the loops; after w.stop it is a restart over the same store.
func (w *world) start() {
	ctx, cancel := context.WithCancel(context.Background())
	w.api = cloudformation.New(cloudformation.Options{DB: w.db, Invoker: w, Checker: allow{}, Sessions: sessions{}})
	w.stop, w.stopped = cancel, make(chan struct{})
	var group sync.WaitGroup
	for _, run := range []func(context.Context) error{w.api.Run, w.ec2.Run, w.ecs.Run, w.agent} {
		group.Go(func() {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				w.t.Errorf("a loop ended: %v", err)
			}
		})
	}
	go func() { group.Wait(); close(w.stopped) }()
}

// agent starts what is to run, or fails it, and ends what is to stop.
func (w *world) agent(ctx context.Context) error {
	for ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
		w.mu.Lock()
		failing := w.failing
		w.mu.Unlock()
		_ = w.db.Write(ctx, func(tx *store.Tx) error {
			for task := range state.Tasks.By(tx, "alive", "yes") {
				if failing != "" && task.DesiredStatus == "RUNNING" && task.LastStatus != state.TaskRunning {
					state.StopTask(tx, task.Key(), "TaskFailedToStart", failing, time.Now())
				}
				state.Tasks.Update(tx, task.Key(), func(r *state.Task) {
					switch {
					case r.DesiredStatus == "STOPPED":
						r.LastStatus, r.StoppedAt = state.TaskStopped, time.Now()
					case r.LastStatus != state.TaskRunning:
						r.LastStatus, r.StartedAt = state.TaskRunning, time.Now()
					}
				})
			}
			return nil
		})
	}
	return nil
}

// Invoke implements wire.Invoker.
func (w *world) Invoke(ctx context.Context, service *wire.Service, operation string, in any) (any, error) {
	if caller.From(ctx).ViaService != "cloudformation.amazonaws.com" {
		return nil, fmt.Errorf("%s %s is not called via CloudFormation", service.ID, operation)
	}
	call := service.ID + " " + operation
	w.mu.Lock()
	w.calls = append(w.calls, call)
	refuse := w.refuse[call]
	handler := w.handlers[service][operation]
	w.mu.Unlock()
	if handler == nil {
		return nil, fmt.Errorf("%s has no handler", call)
	}
	if refuse != nil {
		if err := refuse(); err != nil {
			return nil, err
		}
	}
	if err := wire.Validate(service.Operation(operation), in); err != nil {
		return nil, err
	}
	out, err := handler(ctx, in)
	if w.crash(operation) {
		<-ctx.Done() // the answer never arrives
		return nil, ctx.Err()
	}
	return out, err
}

// crash reports whether the process is to end here: after a call that changed
// something, before its answer is recorded.
func (w *world) crash(operation string) bool {
	if strings.HasPrefix(operation, "Describe") || strings.HasPrefix(operation, "Get") || strings.HasPrefix(operation, "Head") {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.effects++; w.effects != w.crashAt {
		return false
	}
	w.stop()
	return true
}

func (w *world) count(call string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, c := range w.calls {
		if c == call {
			n++
		}
	}
	return n
}

// create makes a stack and waits for its end.
func (w *world) create(name, body string, parameters ...string) cloudformationapi.Stack {
	w.t.Helper()
	_, err := w.api.CreateStack(w.ctx, &cloudformationapi.CreateStackInput{StackName: name, TemplateBody: body, Parameters: pairs(parameters),
		Capabilities: []cloudformationapi.Capability{"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"}})
	if err != nil {
		w.t.Fatalf("CreateStack: %v", err)
	}
	return w.ended(name)
}

func (w *world) update(name, body string, parameters ...string) cloudformationapi.Stack {
	w.t.Helper()
	_, err := w.api.UpdateStack(w.ctx, &cloudformationapi.UpdateStackInput{StackName: name, TemplateBody: body, Parameters: pairs(parameters),
		Capabilities: []cloudformationapi.Capability{"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"}})
	if err != nil {
		w.t.Fatalf("UpdateStack: %v", err)
	}
	return w.ended(name)
}

func pairs(in []string) (out []cloudformationapi.Parameter) {
	for i := 0; i+1 < len(in); i += 2 {
		out = append(out, cloudformationapi.Parameter{ParameterKey: in[i], ParameterValue: in[i+1]})
	}
	return out
}

// ended waits until a stack is in no IN_PROGRESS state.
func (w *world) ended(name string) cloudformationapi.Stack {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		out, err := w.api.DescribeStacks(w.ctx, &cloudformationapi.DescribeStacksInput{StackName: name})
		if err != nil {
			w.t.Fatal(err)
		}
		if s := out.Stacks[0]; !strings.HasSuffix(string(s.StackStatus), "IN_PROGRESS") {
			return s
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("stack %s does not end:\n%s", name, w.events(name))
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (w *world) expect(s cloudformationapi.Stack, status string) {
	w.t.Helper()
	if string(s.StackStatus) != status {
		w.t.Fatalf("%s is %s (%s), want %s\n%s", s.StackName, s.StackStatus, s.StackStatusReason, status, w.history())
	}
}

// history is what happened to all stacks.
func (w *world) history() string {
	var b strings.Builder
	for s := range state.Stacks.All(w.db.Read(), "") {
		fmt.Fprintf(&b, "--- %s\n%s", s.Name, w.events(s.ID))
	}
	return b.String()
}

// events are the lines of a stack's history, oldest first.
func (w *world) events(name string) string {
	var b strings.Builder
	for _, e := range w.eventList(name) {
		fmt.Fprintf(&b, "%s %s %s\n", e.LogicalResourceId, e.ResourceStatus, e.ResourceStatusReason)
	}
	return b.String()
}

func (w *world) eventList(name string) []cloudformationapi.StackEvent {
	w.t.Helper()
	var all []cloudformationapi.StackEvent
	in := &cloudformationapi.DescribeStackEventsInput{StackName: name}
	for {
		out, err := w.api.DescribeStackEvents(w.ctx, in)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(out.StackEvents[:len(out.StackEvents):len(out.StackEvents)], all...)
		if in.NextToken = out.NextToken; in.NextToken == "" {
			break
		}
	}
	for i := 0; i < len(all)/2; i++ {
		all[i], all[len(all)-1-i] = all[len(all)-1-i], all[i]
	}
	return all
}

func (w *world) example(name string) string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(testenv.Shared(w.t, "examples", "isolated-vpc"), name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

func output(s cloudformationapi.Stack, key string) string {
	for _, o := range s.Outputs {
		if o.OutputKey == key {
			return o.OutputValue
		}
	}
	return ""
}

type allow struct{}

func (allow) Check(context.Context, string, string, map[string][]string) error { return nil }
func (allow) CanAssume(context.Context, string, string, string, string, string) error {
	return nil
}

type sessions struct{}

func (sessions) Assume(_ context.Context, role, session string) (caller.Identity, error) {
	if strings.HasSuffix(role, "/untrusted") {
		return caller.Identity{}, fmt.Errorf("not trusted")
	}
	return caller.Identity{Account: account, Region: region, Type: caller.AssumedRole, RoleARN: role, SessionName: session}, nil
}

type engine struct{}

func (engine) Set(context.Context, network.VPC) error { return nil }
func (engine) Remove(context.Context, string) error   { return nil }
func (engine) Keep(context.Context, []string) error   { return nil }
func (engine) NetNS(id string) string                 { return "/run/netns/" + id }

type noEdge struct{}

func (noEdge) Set(context.Context, edge.VPC) error { return nil }
func (noEdge) Remove(string)                       {}

// memoryIAM has roles and their policies.
type memoryIAM struct {
	iamapi.API
	mu       sync.Mutex
	roles    map[string]*iamapi.Role
	policies map[string]map[string]string
}

func (m *memoryIAM) CreateRole(_ context.Context, in *iamapi.CreateRoleRequest) (*iamapi.CreateRoleResponse, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.roles[in.RoleName] != nil {
		return nil, wire.NewError("EntityAlreadyExists", 409, "Role with name %s already exists.", in.RoleName)
	}
	m.roles[in.RoleName] = &iamapi.Role{RoleName: in.RoleName, Arn: "arn:aws:iam::" + account + ":role/" + in.RoleName, RoleId: "AROA" + in.RoleName}
	m.policies[in.RoleName] = map[string]string{}
	return &iamapi.CreateRoleResponse{Role: m.roles[in.RoleName]}, nil
}

func (m *memoryIAM) role(name string) (*iamapi.Role, error) {
	if r := m.roles[name]; r != nil {
		return r, nil
	}
	return nil, wire.NewError("NoSuchEntity", 404, "The role with name %s cannot be found.", name)
}

func (m *memoryIAM) GetRole(_ context.Context, in *iamapi.GetRoleRequest) (*iamapi.GetRoleResponse, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, err := m.role(in.RoleName)
	return &iamapi.GetRoleResponse{Role: r}, err
}

func (m *memoryIAM) set(role, policy, document string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.role(role); err != nil {
		return err
	}
	if m.policies[role][policy] = document; document == "" {
		delete(m.policies[role], policy)
	}
	return nil
}

func (m *memoryIAM) AttachRolePolicy(_ context.Context, in *iamapi.AttachRolePolicyRequest) error {
	return m.set(in.RoleName, in.PolicyArn, "attached")
}

func (m *memoryIAM) DetachRolePolicy(_ context.Context, in *iamapi.DetachRolePolicyRequest) error {
	return m.set(in.RoleName, in.PolicyArn, "")
}

func (m *memoryIAM) PutRolePolicy(_ context.Context, in *iamapi.PutRolePolicyRequest) error {
	return m.set(in.RoleName, in.PolicyName, in.PolicyDocument)
}

func (m *memoryIAM) DeleteRolePolicy(_ context.Context, in *iamapi.DeleteRolePolicyRequest) error {
	return m.set(in.RoleName, in.PolicyName, "")
}

func (m *memoryIAM) DeleteRole(_ context.Context, in *iamapi.DeleteRoleRequest) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.role(in.RoleName); err != nil {
		return err
	}
	if len(m.policies[in.RoleName]) > 0 {
		return wire.NewError("DeleteConflict", 409, "Cannot delete entity, must detach all policies first.")
	}
	delete(m.roles, in.RoleName)
	return nil
}

// memoryS3 has objects, and remembers what was done to buckets.
type memoryS3 struct {
	s3api.API
	mu      sync.Mutex
	objects map[string]string // bucket/key
	buckets map[string][]string
}

func (m *memoryS3) put(path, text string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects[path] = text
	return "http://127.0.0.1:4566/" + path
}

func (m *memoryS3) GetObject(_ context.Context, in *s3api.GetObjectRequest) (*s3api.GetObjectOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	text, ok := m.objects[in.Bucket+"/"+in.Key]
	if !ok {
		return nil, wire.NewError("NoSuchKey", 404, "The specified key does not exist.")
	}
	return &s3api.GetObjectOutput{Body: io.NopCloser(bytes.NewReader([]byte(text)))}, nil
}

func (m *memoryS3) did(bucket, what string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.buckets[bucket]; !ok {
		return wire.NewError("NoSuchBucket", 404, "The specified bucket does not exist")
	}
	m.buckets[bucket] = append(m.buckets[bucket], what)
	return nil
}

func (m *memoryS3) HeadBucket(_ context.Context, in *s3api.HeadBucketRequest) (*s3api.HeadBucketOutput, error) {
	return &s3api.HeadBucketOutput{}, m.did(in.Bucket, "head")
}

func (m *memoryS3) CreateBucket(_ context.Context, in *s3api.CreateBucketRequest) (*s3api.CreateBucketOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.buckets[in.Bucket] = []string{"create"}
	return &s3api.CreateBucketOutput{}, nil
}

func (m *memoryS3) PutBucketEncryption(_ context.Context, in *s3api.PutBucketEncryptionRequest) error {
	return m.did(in.Bucket, "encryption "+string(in.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm))
}

func (m *memoryS3) PutBucketVersioning(_ context.Context, in *s3api.PutBucketVersioningRequest) error {
	return m.did(in.Bucket, "versioning "+string(in.VersioningConfiguration.Status))
}

func (m *memoryS3) PutPublicAccessBlock(_ context.Context, in *s3api.PutPublicAccessBlockRequest) error {
	return m.did(in.Bucket, fmt.Sprintf("block %v", *in.PublicAccessBlockConfiguration.BlockPublicAcls))
}

func (m *memoryS3) PutBucketTagging(_ context.Context, in *s3api.PutBucketTaggingRequest) error {
	return m.did(in.Bucket, "tags")
}

func (m *memoryS3) GetBucketPolicy(_ context.Context, in *s3api.GetBucketPolicyRequest) (*s3api.GetBucketPolicyOutput, error) {
	return nil, wire.NewError("NoSuchBucketPolicy", 404, "The bucket policy does not exist")
}

func (m *memoryS3) PutBucketPolicy(_ context.Context, in *s3api.PutBucketPolicyRequest) error {
	return m.did(in.Bucket, "policy "+in.Policy)
}

func (m *memoryS3) DeleteBucketPolicy(_ context.Context, in *s3api.DeleteBucketPolicyRequest) error {
	return m.did(in.Bucket, "delete policy")
}

func (m *memoryS3) DeleteBucket(_ context.Context, in *s3api.DeleteBucketRequest) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.buckets, in.Bucket)
	return nil
}

// until waits for an event.
func (w *world) until(line, name string) {
	w.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(w.events(name), line); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("no %q in\n%s", line, w.events(name))
		}
	}
}

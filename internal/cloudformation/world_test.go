package cloudformation_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/acm"
	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/acmapi"
	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/blob"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/cloudformation"
	"github.com/neargate/neargate/internal/cloudwatch"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/ec2"
	"github.com/neargate/neargate/internal/ecr"
	"github.com/neargate/neargate/internal/ecs"
	"github.com/neargate/neargate/internal/edge"
	"github.com/neargate/neargate/internal/elbv2"
	"github.com/neargate/neargate/internal/gateway"
	"github.com/neargate/neargate/internal/iam"
	"github.com/neargate/neargate/internal/kms"
	"github.com/neargate/neargate/internal/logs"
	"github.com/neargate/neargate/internal/logstore"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/pki"
	"github.com/neargate/neargate/internal/route53"
	"github.com/neargate/neargate/internal/s3"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/secretsmanager"
	"github.com/neargate/neargate/internal/servicediscovery"
	"github.com/neargate/neargate/internal/ssm"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
	"github.com/neargate/neargate/internal/sts"
	"github.com/neargate/neargate/internal/testenv"
)

const (
	account = "000000000000"
	region  = "eu-west-1"
)

// world is CloudFormation with all other services behind the gateway's checks, a
// data plane that accepts everything and an agent that starts every task.
type world struct {
	t       *testing.T
	db      *store.DB
	api     *cloudformation.Service
	ctx     context.Context
	checker authorize.Checker
	keys    *access.Keys
	ec2     *ec2.Service
	ecs     *ecs.Service
	maps    *servicediscovery.Service
	s3      *s3.Service
	sts     *sts.Service

	gateway *gateway.Gateway
	staged  bool // the staging bucket is there
	sets    int
	effects int  // calls that changed something
	fine    bool // a call that fails once did so
	crashAt int  // the effect after which the process ends; 0 for none
	mu      sync.Mutex
	calls   []string                // "EC2 CreateVpc" ...
	refuse  map[string]func() error // by call
	failing string                  // reason with which the agent stops every task; "" lets them run
	stop    context.CancelFunc
	stopped chan struct{}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: db, ctx: caller.With(t.Context(), caller.ForRoot(account, region)), refuse: map[string]func() error{}}
	seal := seal.Temporary()
	keys := access.NewKeys(db, seal)
	w.keys = keys
	auth := access.NewAuthorizer(keys, decision.Discard)
	site := network.DefaultSite("test")
	w.sts = sts.New(db, keys, auth)
	w.ec2 = ec2.New(db, engine{}, noEdge{}, ec2.Divide(site))
	w.ecs = ecs.New(ecs.Deps{DB: db, Checker: auth, Roles: w.sts.Sessions()})
	lines := must(logstore.Open(t.TempDir()))
	w.s3 = must(s3.New(s3.Config{DB: db, Objects: must(blob.OpenObjects(t.TempDir(), blob.Key{1})), Checker: auth}))
	repositories := must(ecr.New(ecr.Config{DB: db, Blobs: must(blob.OpenStore(t.TempDir())), Checker: auth, Key: make([]byte, 32)}))
	roles, groups := iam.New(db, seal, auth), logs.New(db, lines, time.Now)
	w.gateway = gateway.New(gateway.Config{Checker: auth, Region: region})
	keyService, parameters, secrets := kms.New(db, seal, time.Now), ssm.New(db, w.gateway, time.Now), secretsmanager.New(db, w.gateway, validPolicy, time.Now)
	w.gateway.Mount(kmsapi.Model, kmsapi.Bind(keyService), keyService.Authorization())
	w.gateway.Mount(ec2api.Model, ec2api.Bind(w.ec2), w.ec2.Authorization())
	w.gateway.Mount(ecsapi.Model, ecsapi.Bind(w.ecs), w.ecs.Authorization())
	w.gateway.Mount(logsapi.Model, logsapi.Bind(groups), groups.Authorization())
	w.gateway.Mount(iamapi.Model, iamapi.Bind(roles), roles.Authorization())
	w.gateway.Mount(s3api.Model, s3api.Bind(w.s3), w.s3.Authorization())
	w.gateway.Mount(ssmapi.Model, ssmapi.Bind(parameters), parameters.Authorization())
	w.gateway.Mount(secretsmanagerapi.Model, secretsmanagerapi.Bind(secrets), secrets.Authorization())
	zones := route53.New(route53.Options{DB: db, Changed: func() {}, Now: time.Now})
	watch := cloudwatch.New(cloudwatch.Options{DB: db})
	w.gateway.Mount(cloudwatchapi.Model, cloudwatchapi.Bind(watch), watch.Authorization())
	w.gateway.Mount(route53api.Model, route53api.Bind(zones), zones.Authorization())
	w.maps = servicediscovery.New(servicediscovery.Options{DB: db, Invoker: w.gateway, Now: time.Now})
	w.gateway.Mount(servicediscoveryapi.Model, servicediscoveryapi.Bind(w.maps), w.maps.Authorization())
	w.gateway.Mount(ecrapi.Model, ecrapi.Bind(repositories), repositories.Authorization())
	certificates := acm.New(acm.Options{DB: db, Sealer: seal, Authority: must(pki.Open(t.TempDir())), Now: time.Now})
	w.gateway.Mount(acmapi.Model, acmapi.Bind(certificates), certificates.Authorization())
	balancers := elbv2.New(elbv2.Options{DB: db, Certificate: func(_, _, name string) (elbv2.Certificate, error) {
		_, err := certificates.TLS(name)
		return elbv2.Certificate{Issued: true}, err
	}})
	w.gateway.Mount(elbv2api.Model, elbv2api.Bind(balancers), balancers.Authorization())
	w.checker = auth
	w.start()
	t.Cleanup(func() { w.stop(); <-w.stopped })
	return w
}

// start begins the loops; after w.stop it is a restart over the same store.
func (w *world) start() {
	ctx, cancel := context.WithCancel(context.Background())
	w.api = cloudformation.New(cloudformation.Options{DB: w.db, Invoker: w, Checker: w.checker, Sessions: w.sts.Sessions(), Secret: w.keys.Secret})
	w.stop, w.stopped = cancel, make(chan struct{})
	var group sync.WaitGroup
	for _, run := range []func(context.Context) error{w.api.Run, w.ec2.Run, w.ecs.Run, w.maps.Run, w.agent} {
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
						w.join(tx, r)
					}
				})
			}
			return nil
		})
	}
	return nil
}

// join puts a task into its target groups, which find it healthy.
func (w *world) join(tx *store.Tx, t *state.Task) {
	for _, b := range t.LoadBalancers {
		_, group, _ := strings.Cut(b.TargetGroup, ":targetgroup/")
		t.Interface.PrivateIP, t.RegisteredAt = "10.1.0."+t.ID[:1], time.Now()
		state.Targets.Put(tx, &state.Target{Account: t.Account, Region: t.Region, Group: group, ID: t.Interface.PrivateIP, Port: b.Port, Health: state.TargetHealthy})
	}
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
	w.mu.Unlock()
	if refuse != nil {
		if err := refuse(); err != nil {
			return nil, err
		}
	}
	out, err := w.gateway.Invoke(ctx, service, operation, in)
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

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

type engine struct{}

func (engine) Set(context.Context, network.VPC) error { return nil }
func (engine) Remove(context.Context, string) error   { return nil }
func (engine) Keep(context.Context, []string) error   { return nil }
func (engine) NetNS(id string) string                 { return "/run/netns/" + id }

type noEdge struct{}

func (noEdge) Set(context.Context, edge.VPC) error { return nil }
func (noEdge) Remove(string)                       {}

// put stores an object in the bucket that clients stage templates in, and
// returns its URL as they spell it.
func (w *world) put(key, text string) string {
	w.t.Helper()
	if !w.staged {
		if _, err := w.s3.CreateBucket(w.ctx, &s3api.CreateBucketRequest{Bucket: "staging", CreateBucketConfiguration: &s3api.CreateBucketConfiguration{LocationConstraint: region}}); err != nil {
			w.t.Fatal(err)
		}
		w.staged = true
	}
	if _, err := w.s3.PutObject(w.ctx, &s3api.PutObjectRequest{Bucket: "staging", Key: key, Body: io.NopCloser(strings.NewReader(text)), ContentLength: new(int64(len(text)))}); err != nil {
		w.t.Fatal(err)
	}
	return "http://127.0.0.1:4566/staging/" + key
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

// call calls a service as the operator.
func call[O any](w *world, service *wire.Service, operation string, in any) *O {
	w.t.Helper()
	out, err := w.gateway.Invoke(w.ctx, service, operation, in)
	if err != nil {
		w.t.Fatal(err)
	}
	return out.(*O)
}

// validPolicy accepts every policy document of a resource.
func validPolicy(string) error { return nil }

package unused

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/edge"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// counters are those of a data plane that the test plays.
type counters struct {
	values network.Counters
	usage  map[string]edge.Usage
}

func (c *counters) Counters(_ context.Context, vpc string) (network.Counters, error) {
	if vpc != "vpc-1" {
		return network.Counters{}, network.ErrNotFound
	}
	return c.values, nil
}

func (c *counters) Usage() map[string]edge.Usage { return c.usage }

const account, region = "111111111111", "eu-west-1"

type world struct {
	t      *testing.T
	db     *store.DB
	host   *counters
	finder *Finder
	auth   *access.Authorizer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	keys := access.NewKeys(db, seal.Temporary())
	w := &world{t: t, db: db, host: &counters{}, auth: access.NewAuthorizer(keys, decision.Discard)}
	w.finder = &Finder{DB: db, Collector: &Collector{DB: db, Engine: w.host, Edge: w.host}, Access: w.auth}
	w.put(func(tx *store.Tx) {
		made := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		state.Vpcs.Put(tx, &state.Vpc{Account: account, Region: region, ID: "vpc-1"})
		state.Vpcs.Put(tx, &state.Vpc{Account: account, Region: region, ID: "vpc-2"}) // nothing has an address in it
		for _, e := range []string{"logs", "ssm"} {
			state.VpcEndpoints.Put(tx, &state.VpcEndpoint{Account: account, Region: region, ID: "vpce-" + e, VpcID: "vpc-1", Type: "Interface", ServiceName: "com.amazonaws.eu-west-1." + e, State: "available", CreatedAt: made})
		}
		state.NatGateways.Put(tx, &state.NatGateway{Account: account, Region: region, ID: "nat-1", VpcID: "vpc-1", NetworkInterfaceID: "eni-nat", State: "available", CreatedAt: made})
		state.SecurityGroups.Put(tx, &state.SecurityGroup{Account: account, Region: region, ID: "sg-1", VpcID: "vpc-1", Name: "web", Rules: []state.SecurityGroupRule{
			{ID: "sgr-in", Protocol: "tcp", FromPort: 80, ToPort: 80, CIDRIPv4: "0.0.0.0/0"}, {ID: "sgr-out", Egress: true, Protocol: "-1", ReferencedGroupID: "sg-1"}}})
		state.SecurityGroups.Put(tx, &state.SecurityGroup{Account: account, Region: region, ID: "sg-idle", VpcID: "vpc-1", Rules: []state.SecurityGroupRule{{ID: "sgr-idle", Protocol: "-1"}}})
		state.NetworkInterfaces.Put(tx, &state.NetworkInterface{Account: account, Region: region, ID: "eni-1", SecurityGroupIDs: []string{"sg-1"}})
		policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:PutObject"],"Resource":"*"},{"Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"}]}`
		state.Roles.Put(tx, &state.Role{Account: account, Name: "app", Path: "/", ID: "AROA1", CreatedAt: made, PrincipalPolicies: state.PrincipalPolicies{
			Inline: []state.InlinePolicy{{Name: "p", Document: policy}}, Attached: []string{"arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess"}}})
		state.Roles.Put(tx, &state.Role{Account: account, Name: "idle", Path: "/", ID: "AROA2", CreatedAt: made})
		state.Roles.Put(tx, &state.Role{Account: account, Name: "linked", Path: "/", ID: "AROA3", LinkedService: "ecs.amazonaws.com"})
		state.Secrets.Put(tx, &state.Secret{Account: account, Region: region, Name: "read", Suffix: "a", AccessedAt: made})
		state.Secrets.Put(tx, &state.Secret{Account: account, Region: region, Name: "unread", Suffix: "b", CreatedAt: made})
		state.StackResources.Put(tx, &state.StackResource{Account: account, Region: region, StackID: "arn:aws:cloudformation:eu-west-1:111111111111:stack/shop-Net-1/x", LogicalID: "SsmEndpoint", Live: state.Physical{ID: "vpce-ssm", Type: "AWS::EC2::VPCEndpoint"}})
	})
	return w
}

func (w *world) put(f func(*store.Tx)) {
	w.t.Helper()
	if err := w.db.Write(w.t.Context(), func(tx *store.Tx) error { f(tx); return nil }); err != nil {
		w.t.Fatal(err)
	}
}

// find returns what is found, as "kind id".
func (w *world) find(stack string) []string {
	w.t.Helper()
	found, err := w.finder.Find(w.t.Context(), account, region, stack)
	if err != nil {
		w.t.Fatal(err)
	}
	var all []string
	for _, f := range found {
		if len(f.Fix) == 0 || f.What == "" {
			w.t.Errorf("%+v says too little", f)
		}
		all = append(all, string(f.Kind)+" "+f.ID)
	}
	return all
}

// Only what was really used leaves the list, and it stays away when the counters
// begin again.
func TestFind(t *testing.T) {
	w := newWorld(t)
	all := []string{"endpoint vpce-logs", "endpoint vpce-ssm", "NAT gateway nat-1", "security group rule sgr-in", "security group rule sgr-out", "role app", "role idle", "secret unread"}
	if got := w.find(""); !slices.Equal(got, all) {
		t.Errorf("before any use: %q", got)
	}
	if got := w.find("shop"); !slices.Equal(got, []string{"endpoint vpce-ssm"}) {
		t.Errorf("of the stack: %q", got)
	}
	w.host.values = network.Counters{Rules: map[string]network.Count{"sgr-in": {Packets: 3}, "sgr-out": {}}, Carried: map[string]network.Count{"eni-nat": {Packets: 1}}}
	w.host.usage = map[string]edge.Usage{"vpce-logs": {Connections: 2, Bytes: 100}, "igw-1": {Connections: 1}}
	id := caller.Identity{Type: caller.AssumedRole, Account: account, RoleARN: "arn:aws:iam::111111111111:role/app", UserID: "AROA1:s", Region: region, ARN: "arn:aws:sts::111111111111:assumed-role/app/s"}
	if err := w.auth.Check(caller.With(t.Context(), id), "s3:GetObject", "arn:aws:s3:::b/k", nil); err != nil {
		t.Fatal(err)
	}
	if err := w.auth.Check(caller.With(t.Context(), id), "s3:DeleteObject", "arn:aws:s3:::b/k", nil); err == nil {
		t.Fatal("may delete")
	}
	left := []string{"endpoint vpce-ssm", "security group rule sgr-out", "role idle", "permission app/arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess", "permission app/s3:PutObject", "secret unread"}
	if got := w.find(""); !slices.Equal(got, left) {
		t.Errorf("after some: %q, want %q", got, left)
	}
	w.host.values, w.host.usage = network.Counters{Rules: map[string]network.Count{"sgr-in": {Packets: 1}}}, nil // a restart
	w.finder.Collector = &Collector{DB: w.db, Engine: w.host, Edge: w.host}
	if got := w.find(""); !slices.Equal(got, left) {
		t.Errorf("after a restart: %q", got)
	}
	if use, _ := state.NetworkUses.Get(w.db.Read(), state.Key(account, region, "sgr-in")); use.Connections != 4 || use.Last.IsZero() {
		t.Errorf("uses are not added up: %+v", use)
	}
	w.put(func(tx *store.Tx) { state.VpcEndpoints.Delete(tx, state.Key(account, region, "vpce-logs")) })
	w.find("")
	if _, ok := state.NetworkUses.Get(w.db.Read(), state.Key(account, region, "vpce-logs")); ok {
		t.Error("what is gone is remembered")
	}
}

func TestFixes(t *testing.T) {
	w := newWorld(t)
	found, err := w.finder.Find(t.Context(), account, region, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		switch f.ID {
		case "vpce-ssm":
			if f.Fix[0].Target != "stack shop-Net-1" || !strings.Contains(f.Fix[0].Text, "SsmEndpoint:\n  Type: AWS::EC2::VPCEndpoint") || f.Fix[1].Text != "aws ec2 delete-vpc-endpoints --vpc-endpoint-ids vpce-ssm" {
				t.Errorf("endpoint: %+v", f.Fix)
			}
		case "sgr-out":
			if f.Name != "outbound everything to web" || f.Fix[0].Text != "aws ec2 revoke-security-group-egress --group-id sg-1 --security-group-rule-ids sgr-out" {
				t.Errorf("rule: %+v", f)
			}
		}
	}
}

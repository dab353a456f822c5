package elbv2

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const (
	acct   = "000000000000"
	region = "eu-west-1"
	vpcID  = "vpc-1"
	known  = "arn:aws:acm:eu-west-1:000000000000:certificate/known"
	asked  = "arn:aws:acm:eu-west-1:000000000000:certificate/pending"
)

// world is a service beside a VPC with three subnets and an internet gateway.
type world struct {
	*Service
	t   *testing.T
	ctx context.Context
}

func newWorld(t *testing.T, plane *Plane) *world {
	t.Helper()
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, ctx: caller.With(t.Context(), caller.ForRoot(acct, region))}
	w.Service = New(Options{
		DB: db, Plane: plane, Now: time.Now,
		Certificate: func(_, _, arn string) (Certificate, error) {
			if arn != known && arn != asked {
				return Certificate{}, errors.New("not found")
			}
			return Certificate{Issued: arn == known}, nil
		},
	})
	ok(t, db.Write(w.ctx, func(tx *store.Tx) error {
		state.Vpcs.Put(tx, &state.Vpc{Account: acct, Region: region, ID: vpcID, CIDRBlock: "10.0.0.0/16"})
		state.Vpcs.Put(tx, &state.Vpc{Account: acct, Region: region, ID: "vpc-2", CIDRBlock: "10.1.0.0/16"})
		state.InternetGateways.Put(tx, &state.InternetGateway{Account: acct, Region: region, ID: "igw-1", VpcID: vpcID})
		state.SecurityGroups.Put(tx, &state.SecurityGroup{Account: acct, Region: region, ID: "sg-1", Name: "default", VpcID: vpcID})
		state.SecurityGroups.Put(tx, &state.SecurityGroup{Account: acct, Region: region, ID: "sg-2", Name: "web", VpcID: vpcID})
		for id, at := range map[string][2]string{"subnet-a": {"10.0.0.0/24", "eu-west-1a"}, "subnet-a2": {"10.0.2.0/24", "eu-west-1a"}, "subnet-b": {"10.0.1.0/24", "eu-west-1b"}} {
			state.Subnets.Put(tx, &state.Subnet{Account: acct, Region: region, ID: id, VpcID: vpcID, CIDRBlock: at[0], AvailabilityZone: at[1]})
		}
		for id, zone := range map[string]string{"subnet-x": "eu-west-1a", "subnet-y": "eu-west-1b"} {
			state.Subnets.Put(tx, &state.Subnet{Account: acct, Region: region, ID: id, VpcID: "vpc-2", CIDRBlock: "10.1.0.0/24", AvailabilityZone: zone})
		}
		return nil
	}))
	return w
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// must takes the value of a call that has to work.
func must[T any](w *world) func(T, error) T {
	return func(v T, err error) T {
		w.t.Helper()
		ok(w.t, err)
		return v
	}
}

// refused checks the code and text of an error.
func (w *world) refused(err error, want string) {
	w.t.Helper()
	known, is := errors.AsType[wire.Error](err)
	if !is {
		w.t.Errorf("got %v, want %s", err, want)
	} else if got := wire.ErrorText(known); got != want {
		w.t.Errorf("got  %s\nwant %s", got, want)
	}
}

func (w *world) balancer(name string) elbv2api.LoadBalancer {
	w.t.Helper()
	out := must[*elbv2api.CreateLoadBalancerOutput](w)(w.CreateLoadBalancer(w.ctx, &elbv2api.CreateLoadBalancerInput{Name: name, Subnets: []string{"subnet-a", "subnet-b"}, SecurityGroups: []string{"sg-2"}}))
	return out.LoadBalancers[0]
}

func (w *world) group(name string) elbv2api.TargetGroup {
	w.t.Helper()
	out := must[*elbv2api.CreateTargetGroupOutput](w)(w.CreateTargetGroup(w.ctx, &elbv2api.CreateTargetGroupInput{Name: name, Protocol: "HTTP", Port: new(int32(80)), VpcId: vpcID, TargetType: "ip"}))
	return out.TargetGroups[0]
}

func forwardTo(arn string) []elbv2api.Action {
	return []elbv2api.Action{{Type: elbv2api.ActionTypeEnumForward, TargetGroupArn: arn}}
}

func (w *world) listener(balancer, group string, port int32) elbv2api.Listener {
	w.t.Helper()
	out := must[*elbv2api.CreateListenerOutput](w)(w.CreateListener(w.ctx, &elbv2api.CreateListenerInput{LoadBalancerArn: balancer, Protocol: "HTTP", Port: &port, DefaultActions: forwardTo(group)}))
	return out.Listeners[0]
}

// put registers a target outside of the VPC.
func (w *world) put(g elbv2api.TargetGroup, at netip.AddrPort) {
	w.t.Helper()
	ok(w.t, w.DB.Write(w.ctx, func(tx *store.Tx) error {
		q := scopeOf(w.ctx, tx)
		record, err := q.targetGroup(g.TargetGroupArn)
		if err != nil {
			return err
		}
		t := &state.Target{Account: acct, Region: region, Group: record.Path, ID: at.Addr().String(), Port: int32(at.Port()), AvailabilityZone: "all", RegisteredAt: time.Now()}
		t.Health, t.Reason, t.Description = q.firstHealth(record)
		state.Targets.Put(tx, t)
		return nil
	}))
}

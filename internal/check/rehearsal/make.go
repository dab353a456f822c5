package rehearsal

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/cloudformation/resource"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// patience is how long a resource may take to be ready. Nothing here waits for
// a host: what is not ready by then never will be.
const patience = 2 * time.Second

// Item is a resource to make.
type Item struct {
	Stack      string // name of the stack that it belongs to
	Name       string // what people call it: logical id or address
	Type       string
	Properties *template.Value // checked against the type's schema
}

// Make makes a resource as a stack's operation would. Errors are those of the
// services (wire.Error) and of the resource type.
func (x *Instance) Make(ctx context.Context, t resource.Type, item Item) (resource.Result, error) {
	id := caller.ForRoot(x.Account, x.Region)
	id.ViaService = "cloudformation.amazonaws.com"
	stackID := x.StackID(item.Stack)
	r := &resource.Request{
		Account: x.Account, Region: x.Region, StackID: stackID, StackName: item.Stack, LogicalID: item.Name, TypeName: item.Type,
		Token: token(item.Stack, item.Name), Properties: item.Properties, Invoker: x,
		Peers: func() []resource.Peer { return nil },
		Wait:  x.wait(item.Type),
	}
	r.Created = func(physicalID string) error { return x.name(stackID, item, physicalID) }
	return t.Create(caller.With(ctx, id), r)
}

// StackID is the id of a stack of the given name.
func (x *Instance) StackID(name string) string {
	return fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/00000000-0000-4000-8000-000000000000", x.Region, x.Account, name)
}

// wait waits as a stack does, but for a moment only. Services never become
// steady here, as nothing runs: their tasks are looked at afterwards.
func (x *Instance) wait(typ string) func(context.Context, func(context.Context) (bool, error)) error {
	return func(ctx context.Context, done func(context.Context) (bool, error)) error {
		if typ == "AWS::ECS::Service" {
			return nil
		}
		for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			ok, err := done(ctx)
			if ok || err != nil {
				return err
			}
			if time.Now().After(end) {
				return fmt.Errorf("%s did not become ready", typ)
			}
		}
	}
}

// name records what people call a resource, so that explanations do, too.
func (x *Instance) name(stackID string, item Item, physicalID string) error {
	return x.db.Write(context.Background(), func(tx *store.Tx) error {
		state.StackResources.Put(tx, &state.StackResource{
			Account: x.Account, Region: x.Region, StackID: stackID, StackName: item.Stack, LogicalID: item.Name, Type: item.Type,
			Live: state.Physical{ID: physicalID, Type: item.Type, Complete: true},
		})
		return nil
	})
}

// token stands in the names of resources that have none: the same for the same
// resource, so that two checks of one source say the same.
func token(stack, name string) string {
	sum := sha256.Sum256([]byte(stack + "/" + name))
	return base32.StdEncoding.EncodeToString(sum[:])[:12]
}

// Zones returns the availability zones of the region, as Fn::GetAZs does.
func (x *Instance) Zones(ctx context.Context) []string {
	out, err := ec2api.NewClient(x).DescribeAvailabilityZones(x.Operator(ctx), &ec2api.DescribeAvailabilityZonesRequest{})
	if err != nil {
		return nil
	}
	var names []string
	for _, z := range out.AvailabilityZones {
		names = append(names, z.ZoneName)
	}
	slices.Sort(names)
	return names
}

// Attach attaches a managed policy to a role, which Terraform does by a resource
// of its own. A role that is not here is not ours to change.
func (x *Instance) Attach(ctx context.Context, role, policyARN string) {
	_ = iamapi.NewClient(x).AttachRolePolicy(x.Operator(ctx), &iamapi.AttachRolePolicyRequest{RoleName: role, PolicyArn: policyARN})
}

package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
)

// discoveryInstance is AWS::ServiceDiscovery::Instance.
type discoveryInstance struct{}

var discoveryInstanceSchema = &Schema{
	Type:       "AWS::ServiceDiscovery::Instance",
	Properties: Properties{"ServiceId": String.Required().Replaces(), "InstanceId": String.Replaces(), "InstanceAttributes": MapOf(String).Required()},
}

// Schema is the type's schema.
func (discoveryInstance) Schema() *Schema { return discoveryInstanceSchema }

// Create registers the instance; doing so again changes nothing.
func (t discoveryInstance) Create(ctx context.Context, r *Request) (Result, error) {
	id := r.Or("InstanceId", r.Name(64))
	if err := t.register(ctx, r, id); err != nil {
		return Result{}, err
	}
	return Result{PhysicalID: id}, r.Created(id)
}

func (discoveryInstance) register(ctx context.Context, r *Request, id string) error {
	out, err := r.maps().RegisterInstance(ctx, &servicediscoveryapi.RegisterInstanceRequest{ServiceId: r.Text("ServiceId"), InstanceId: id, Attributes: texts(r.Properties.Get("InstanceAttributes"))})
	operation, err := operationID(out, err)
	_, err = r.mapped(ctx, operation, err)
	return err
}

// Update registers the instance anew.
func (t discoveryInstance) Update(ctx context.Context, r *Request) (Result, error) {
	return Result{PhysicalID: r.PhysicalID}, t.register(ctx, r, r.PhysicalID)
}

// Delete takes the instance out.
func (discoveryInstance) Delete(ctx context.Context, r *Request) error {
	out, err := r.maps().DeregisterInstance(ctx, &servicediscoveryapi.DeregisterInstanceRequest{ServiceId: r.Text("ServiceId"), InstanceId: r.PhysicalID})
	if isCode(err, "InstanceNotFound", "ServiceNotFound") {
		return nil
	}
	id, err := operationID(out, err)
	_, err = r.mapped(ctx, id, err)
	return err
}

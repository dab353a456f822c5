package main

import (
	"context"
	"errors"
	"net"

	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/ecs/serviceconnect"
	"github.com/neargate/neargate/internal/network"
)

// connectPlane gives the proxies of Service Connect their sockets, in the
// namespaces of tasks.
func connectPlane(engine *network.Kernel) serviceconnect.Plane {
	return serviceconnect.Plane{
		Listen: engine.ListenInside, Redirect: engine.Redirect, Listening: listening(engine),
		Dial: func(ctx context.Context, eni, network, address string) (net.Conn, error) {
			return engine.Dialer(eni)(ctx, network, address)
		},
	}
}

// cloudMap is AWS Cloud Map as Amazon ECS uses it for Service Connect: by calls
// as its own principal, which are on record as everybody's.
type cloudMap struct{ registries }

func newCloudMap(gate wire.Invoker) cloudMap { return cloudMap{newRegistries(gate)} }

// managedByECS is the tag by which ECS knows what it has made.
var managedByECS = []servicediscoveryapi.Tag{{Key: "AmazonECSManaged", Value: "true"}}

// CreateNamespace implements ecs.CloudMap.
func (c cloudMap) CreateNamespace(ctx context.Context, account, region, name string) error {
	ctx = asECS(ctx, account, region)
	out, err := c.api.CreateHttpNamespace(ctx, &servicediscoveryapi.CreateHttpNamespaceRequest{Name: name, Tags: managedByECS})
	if err != nil {
		return unless(err, "NamespaceAlreadyExists")
	}
	return c.done(ctx, out.OperationId)
}

// CreateService implements ecs.CloudMap.
func (c cloudMap) CreateService(ctx context.Context, account, region, namespaceID, name string) error {
	_, err := c.api.CreateService(asECS(ctx, account, region), &servicediscoveryapi.CreateServiceRequest{
		Name: name, NamespaceId: namespaceID, Type: servicediscoveryapi.ServiceTypeOptionHttp, Tags: managedByECS,
	})
	return unless(err, "ServiceAlreadyExists")
}

// DeleteService implements ecs.CloudMap.
func (c cloudMap) DeleteService(ctx context.Context, account, region, id string) error {
	_, err := c.api.DeleteService(asECS(ctx, account, region), &servicediscoveryapi.DeleteServiceRequest{Id: id})
	return unless(err, "ServiceNotFound")
}

// RegisterInstance implements serviceconnect.CloudMap: a task is an instance of
// several services, so that its id does not name the request.
func (c cloudMap) RegisterInstance(ctx context.Context, account, region, serviceID, instanceID string, attributes map[string]string) error {
	return c.register(asECS(ctx, account, region), &servicediscoveryapi.RegisterInstanceRequest{ServiceId: serviceID, InstanceId: instanceID, Attributes: attributes})
}

// DeregisterInstance implements serviceconnect.CloudMap.
func (c cloudMap) DeregisterInstance(ctx context.Context, account, region, serviceID, instanceID string) error {
	return unless(c.registries.DeregisterInstance(ctx, account, region, serviceID, instanceID), "InstanceNotFound", "ServiceNotFound")
}

// unless is err, but for those with one of the codes.
func unless(err error, codes ...string) error {
	var answer wire.Error
	if errors.As(err, &answer) {
		for _, code := range codes {
			if answer.ErrorCode() == code {
				return nil
			}
		}
	}
	return err
}

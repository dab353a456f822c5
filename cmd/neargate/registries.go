package main

import (
	"context"
	"fmt"
	"time"

	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/aws/wire"
)

// registries registers tasks with Cloud Map as Amazon ECS does it: by calls as its
// own principal, whose operations it waits for.
type registries struct{ api servicediscoveryapi.API }

func newRegistries(gate wire.Invoker) registries {
	return registries{servicediscoveryapi.NewClient(gate)}
}

// RegisterInstance implements agent.Registries.
func (r registries) RegisterInstance(ctx context.Context, account, region, registry, instance string, attributes map[string]string) error {
	return r.register(asECS(ctx, account, region), &servicediscoveryapi.RegisterInstanceRequest{ServiceId: registry, InstanceId: instance, CreatorRequestId: instance, Attributes: attributes})
}

func (r registries) register(ctx context.Context, in *servicediscoveryapi.RegisterInstanceRequest) error {
	out, err := r.api.RegisterInstance(ctx, in)
	if err != nil {
		return err
	}
	return r.done(ctx, out.OperationId)
}

// DeregisterInstance implements agent.Registries.
func (r registries) DeregisterInstance(ctx context.Context, account, region, registry, instance string) error {
	ctx = asECS(ctx, account, region)
	out, err := r.api.DeregisterInstance(ctx, &servicediscoveryapi.DeregisterInstanceRequest{ServiceId: registry, InstanceId: instance})
	if err != nil {
		return err
	}
	return r.done(ctx, out.OperationId)
}

// SetInstanceHealth implements agent.Registries.
func (r registries) SetInstanceHealth(ctx context.Context, account, region, registry, instance, health string) error {
	return r.api.UpdateInstanceCustomHealthStatus(asECS(ctx, account, region), &servicediscoveryapi.UpdateInstanceCustomHealthStatusRequest{ServiceId: registry, InstanceId: instance, Status: servicediscoveryapi.CustomHealthStatus(health)})
}

// done waits for the end of an operation, which takes milliseconds.
func (r registries) done(ctx context.Context, operation string) error {
	for pause := time.Millisecond; ; pause = min(2*pause, time.Second) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		out, err := r.api.GetOperation(ctx, &servicediscoveryapi.GetOperationRequest{OperationId: operation})
		if err != nil {
			return err
		}
		switch o := out.Operation; o.Status {
		case servicediscoveryapi.OperationStatusSuccess:
			return nil
		case servicediscoveryapi.OperationStatusFail:
			return fmt.Errorf("%s: %s: %s", o.Type, o.ErrorCode, o.ErrorMessage)
		}
	}
}

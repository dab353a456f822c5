package servicediscovery

import (
	"context"
	"strconv"

	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/hosted"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// setCheck gives a new service the health check that Route 53 makes of each instance.
func setCheck(v *state.DiscoveryService, in *servicediscoveryapi.HealthCheckConfig) error {
	if in == nil {
		return nil
	}
	v.HealthCheck = checkOf(in)
	if in.Type == servicediscoveryapi.HealthCheckTypeTcp && in.ResourcePath != "" {
		return invalid("ResourcePath can't be specified for health checks of the type TCP.")
	}
	return nil
}

// checkOf is a health check as it is kept, with Cloud Map's defaults.
func checkOf(in *servicediscoveryapi.HealthCheckConfig) *state.DiscoveryHealthCheck {
	out := &state.DiscoveryHealthCheck{Type: string(in.Type), Path: in.ResourcePath, FailureThreshold: max(int(in.FailureThreshold), 1)}
	if out.Path == "" && in.Type != servicediscoveryapi.HealthCheckTypeTcp {
		out.Path = "/"
	}
	return out
}

// checkChanged refuses another health check than a service has.
func checkChanged(v *state.DiscoveryService, in *servicediscoveryapi.HealthCheckConfig) error {
	same := v.HealthCheck == nil
	if in != nil {
		same = v.HealthCheck != nil && *checkOf(in) == *v.HealthCheck
	}
	if !same {
		return refused("a change of HealthCheckConfig")
	}
	return nil
}

// makeCheck makes the health check of an instance that is being registered, as the
// caller, or finds the one that was made before a crash.
func (s *Service) makeCheck(ctx context.Context, o *state.DiscoveryOperation) (*state.ServiceInstance, error) {
	v, ok := state.DiscoveryServices.Get(s.DB.Read(), o.Target())
	if !ok || v.HealthCheck == nil {
		return o.Instance, nil
	}
	i, h := *o.Instance, v.HealthCheck
	address := i.Attributes[attrIPv4]
	if address == "" {
		address = i.Attributes[attrIPv6]
	}
	port, err := strconv.ParseInt(i.Attributes[attrPort], 10, 32)
	if err != nil {
		return nil, invalid("Invalid value for the attribute " + attrPort + ": " + i.Attributes[attrPort])
	}
	out, err := s.zones.CreateHealthCheck(ctx, &route53api.CreateHealthCheckRequest{CallerReference: o.ID, HealthCheckConfig: &route53api.HealthCheckConfig{
		Type: route53api.HealthCheckType(h.Type), IPAddress: address, Port: new(int32(port)), ResourcePath: h.Path, FailureThreshold: new(int32(h.FailureThreshold)),
	}})
	if err != nil {
		return nil, err
	}
	i.HealthCheckID = out.HealthCheck.Id
	return &i, nil
}

// dropCheck deletes the health check that an instance had, unless the one that is
// registered in its place has it, too.
func (s *Service) dropCheck(ctx context.Context, o *state.DiscoveryOperation, now *state.ServiceInstance) error {
	had, ok := state.ServiceInstances.Get(s.DB.Read(), state.ServiceInstanceKey(o.Target(), o.InstanceID))
	if !ok || had.HealthCheckID == "" || now != nil && now.HealthCheckID == had.HealthCheckID {
		return nil
	}
	_, err := s.zones.DeleteHealthCheck(ctx, &route53api.DeleteHealthCheckRequest{HealthCheckId: had.HealthCheckID})
	if isCode(err, "NoSuchHealthCheck") {
		return nil
	}
	return err
}

// judged are instances with what Route 53 holds of those that it checks.
func judged(tx *store.Tx, all []*state.ServiceInstance) []*state.ServiceInstance {
	out := make([]*state.ServiceInstance, len(all))
	for at, i := range all {
		if out[at] = i; i.HealthCheckID == "" {
			continue
		}
		told := *i
		if told.Health = state.InstanceUnhealthy; hosted.CheckHealthy(tx, i.HealthCheckID) {
			told.Health = state.InstanceHealthy
		}
		out[at] = &told
	}
	return out
}

package servicediscovery

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// The attributes of instances that mean something to Cloud Map.
const (
	attrIPv4   = "AWS_INSTANCE_IPV4"
	attrIPv6   = "AWS_INSTANCE_IPV6"
	attrPort   = "AWS_INSTANCE_PORT"
	attrCNAME  = "AWS_INSTANCE_CNAME"
	attrAlias  = "AWS_ALIAS_DNS_NAME"
	attrEC2    = "AWS_EC2_INSTANCE_ID"
	attrHealth = "AWS_INIT_HEALTH_STATUS"
)

const (
	maxInstances  = 1000 // of a service
	maxAttributes = 30
)

// RegisterInstance registers an instance with a service, or changes the one that
// has its id. It gets the DNS records that the service says.
func (s *Service) RegisterInstance(ctx context.Context, in *servicediscoveryapi.RegisterInstanceRequest) (*servicediscoveryapi.RegisterInstanceResponse, error) {
	id := caller.From(ctx)
	v, err := service(s.DB.Read(), id, in.ServiceId)
	if err != nil {
		return nil, err
	}
	if err := attributesFault(v, in.Attributes); err != nil {
		return nil, err
	}
	zone, err := s.aliasZone(ctx, in.Attributes[attrAlias])
	if err != nil {
		return nil, err
	}
	same := func(tx *store.Tx, before *state.DiscoveryOperation) bool {
		made := before.Instance
		if made == nil {
			made, _ = state.ServiceInstances.Get(tx, state.ServiceInstanceKey(before.Target(), before.InstanceID))
		}
		return made != nil && made.ServiceID == v.ID && made.ID == in.InstanceId && maps.Equal(made.Attributes, in.Attributes)
	}
	o, err := s.submitOnce(ctx, opRegisterInstance, in.CreatorRequestId, same, func(tx *store.Tx, o *state.DiscoveryOperation) error {
		v, err := service(tx, id, in.ServiceId)
		if err != nil {
			return err
		}
		if _, there := state.ServiceInstances.Get(tx, state.ServiceInstanceKey(v.Key(), in.InstanceId)); !there && len(instances(tx, v)) >= maxInstances {
			return &servicediscoveryapi.ResourceLimitExceeded{Message: fmt.Sprintf("The service has reached the maximum number of instances: %d.", maxInstances)}
		}
		i := &state.ServiceInstance{Account: v.Account, Region: v.Region, ServiceID: v.ID, ID: in.InstanceId, Attributes: in.Attributes, AliasZoneID: zone, CreatorRequestID: in.CreatorRequestId, RegisteredAt: s.now()}
		if v.CustomHealth {
			i.Health = state.InstanceHealthy
			if initial := in.Attributes[attrHealth]; initial != "" {
				i.Health = initial
			}
		}
		if i.Health == state.InstanceHealthy {
			i.HealthyAt = i.RegisteredAt
		}
		o.NamespaceID, o.ServiceID, o.InstanceID, o.Instance = v.NamespaceID, v.ID, i.ID, i
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &servicediscoveryapi.RegisterInstanceResponse{OperationId: o.ID}, nil
}

// attributesFault says what is wrong with the attributes of an instance of a service.
func attributesFault(v *state.DiscoveryService, a map[string]string) error {
	if len(a) > maxAttributes {
		return invalid(fmt.Sprintf("An instance can have up to %d attributes.", maxAttributes))
	}
	if ip, has := a[attrEC2]; has {
		return invalid(attrEC2 + " names an instance that does not exist: " + ip + ". There are no EC2 instances here.")
	}
	for key, valid := range map[string]func(string) bool{attrIPv4: isIPv4, attrIPv6: isIPv6, attrPort: isPort, attrHealth: isHealth} {
		if value, has := a[key]; has && !valid(value) {
			return invalid("Invalid value for the attribute " + key + ": " + value)
		}
	}
	if _, has := a[attrHealth]; has && !v.CustomHealth {
		return invalid(attrHealth + " can be specified only if the service has a HealthCheckCustomConfig.")
	}
	has := func(key string) bool { return a[key] != "" }
	if v.HealthCheck != nil && (!has(attrPort) || !has(attrIPv4) && !has(attrIPv6)) {
		return invalid("The attributes " + attrPort + " and " + attrIPv4 + " or " + attrIPv6 + " are required: the service has a HealthCheckConfig.")
	}
	if has(attrAlias) {
		return aliasFault(v, a)
	}
	for _, need := range []struct {
		record string
		ok     bool
		what   string
	}{
		{"A", has(attrIPv4), attrIPv4},
		{"AAAA", has(attrIPv6), attrIPv6},
		{"CNAME", has(attrCNAME), attrCNAME},
		{"SRV", has(attrPort), attrPort},
		{"SRV", has(attrIPv4) || has(attrIPv6), attrIPv4 + " or " + attrIPv6},
	} {
		if v.HasRecord(need.record) && !need.ok {
			return invalid("The attribute " + need.what + " is required: the service has a record of the type " + need.record + ".")
		}
	}
	return nil
}

// aliasFault says why an instance cannot be an alias of a load balancer.
func aliasFault(v *state.DiscoveryService, a map[string]string) error {
	for key := range a {
		if strings.HasPrefix(key, "AWS_INSTANCE_") {
			return invalid(key + " can't be specified beside " + attrAlias + ".")
		}
	}
	if v.RoutingPolicy != string(servicediscoveryapi.RoutingPolicyWeighted) || !v.HasRecord("A") && !v.HasRecord("AAAA") || v.HasRecord("SRV") {
		return invalid(attrAlias + " needs a service with records of the type A or AAAA and the routing policy WEIGHTED.")
	}
	return nil
}

func isIPv4(v string) bool {
	a, err := netip.ParseAddr(v)
	return err == nil && a.Is4()
}

func isIPv6(v string) bool {
	a, err := netip.ParseAddr(v)
	return err == nil && a.Is6() && a.Zone() == ""
}

func isPort(v string) bool {
	n, err := strconv.ParseUint(v, 10, 16)
	return err == nil && n > 0
}

func isHealth(v string) bool { return v == state.InstanceHealthy || v == state.InstanceUnhealthy }

// aliasZone is the hosted zone of the load balancer with a DNS name; "" for no name.
func (s *Service) aliasZone(ctx context.Context, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	out, err := s.balancers.DescribeLoadBalancers(s.itself(ctx), &elbv2api.DescribeLoadBalancersInput{})
	if err != nil {
		return "", err
	}
	for _, b := range out.LoadBalancers {
		if strings.EqualFold(b.DNSName, strings.TrimPrefix(strings.TrimSuffix(name, "."), "dualstack.")) {
			return b.CanonicalHostedZoneId, nil
		}
	}
	return "", invalid(attrAlias + " is not the DNS name of a load balancer: " + name)
}

// DeregisterInstance takes an instance out of a service, with its DNS records.
func (s *Service) DeregisterInstance(ctx context.Context, in *servicediscoveryapi.DeregisterInstanceRequest) (*servicediscoveryapi.DeregisterInstanceResponse, error) {
	o, err := s.submit(ctx, opDeregisterInstance, func(tx *store.Tx, o *state.DiscoveryOperation) error {
		v, err := service(tx, caller.From(ctx), in.ServiceId)
		if err != nil {
			return err
		}
		o.NamespaceID, o.ServiceID, o.InstanceID = v.NamespaceID, v.ID, in.InstanceId
		if busy(tx, o) != nil {
			return nil // perhaps it is being registered
		}
		_, _, err = instance(tx, caller.From(ctx), in.ServiceId, in.InstanceId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &servicediscoveryapi.DeregisterInstanceResponse{OperationId: o.ID}, nil
}

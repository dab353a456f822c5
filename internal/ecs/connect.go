package ecs

import (
	"regexp"
	"slices"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

var (
	discoveryNamePattern = regexp.MustCompile(`^[a-z0-9_][a-z0-9_-]{0,63}$`)
	aliasNamePattern     = regexp.MustCompile(`^[a-z0-9_][a-z0-9_.-]{0,126}$`)
)

// connectConfiguration checks the Service Connect configuration of a service;
// nil when it has it not, or turned off.
func (c scope) connectConfiguration(tx *store.Tx, cluster *state.Cluster, d *state.TaskDefinition, in *ecsapi.ServiceConnectConfiguration) (*state.ServiceConnect, error) {
	if in == nil || !in.Enabled {
		return nil, nil
	}
	switch {
	case in.LogConfiguration != nil:
		return nil, unsupported("serviceConnectConfiguration.logConfiguration")
	case in.AccessLogConfiguration != nil:
		return nil, unsupported("serviceConnectConfiguration.accessLogConfiguration")
	case len(in.ContainerConfigurations) > 0:
		return nil, unsupported("serviceConnectConfiguration.containerConfigurations")
	}
	out := &state.ServiceConnect{Namespace: in.Namespace}
	if out.Namespace == "" {
		out.Namespace = cluster.ConnectNamespace
	}
	if out.Namespace == "" {
		return nil, invalid("Namespace cannot be empty: give one in serviceConnectConfiguration, or the cluster a default.")
	}
	ns := c.namespace(tx, out.Namespace)
	if ns == nil {
		return nil, namespaceNotFound()
	}
	out.NamespaceID = ns.ID
	for _, s := range in.Services {
		one, err := connectService(s)
		if err != nil {
			return nil, err
		}
		out.Services = append(out.Services, one)
	}
	return out, fitConnect(d, out)
}

// connectService checks one service of the configuration by itself.
func connectService(in ecsapi.ServiceConnectService) (state.ConnectService, error) {
	out := state.ConnectService{PortName: in.PortName, DiscoveryName: in.DiscoveryName, IngressPort: wire.Or(in.IngressPortOverride, 0)}
	if in.Timeout != nil {
		out.Idle, out.PerRequest = in.Timeout.IdleTimeoutSeconds, in.Timeout.PerRequestTimeoutSeconds
	}
	switch {
	case in.Tls != nil:
		return out, unsupported("serviceConnectConfiguration.services.tls (AWS Private Certificate Authority)")
	case !discoveryNamePattern.MatchString(out.Discovery()):
		return out, invalid("Invalid discoveryName: %s", out.Discovery())
	case len(in.ClientAliases) > 1:
		return out, invalid("%d clientAliases exceeds the max limit of 1", len(in.ClientAliases))
	}
	for _, a := range in.ClientAliases {
		port := a.Port
		switch {
		case a.TestTrafficRules != nil:
			return out, unsupported("serviceConnectConfiguration.services.clientAliases.testTrafficRules")
		case port < 1 || port > 65535:
			return out, invalid("clientAlias port must be between 1 and 65535.")
		case a.DnsName != "" && !aliasNamePattern.MatchString(a.DnsName):
			return out, invalid("Invalid clientAlias dnsName: %s", a.DnsName)
		}
		out.Aliases = append(out.Aliases, state.ConnectAlias{DNSName: a.DnsName, Port: port})
	}
	return out, nil
}

// fitConnect takes over what the task definition says of the named ports.
func fitConnect(d *state.TaskDefinition, c *state.ServiceConnect) error {
	taken := map[int32]string{}
	for i := range c.Services {
		s := &c.Services[i]
		p, ok := namedPort(d, s.PortName)
		switch {
		case !ok:
			return invalid("portName %s does not exist in the task definition.", s.PortName)
		case p.Protocol == "udp":
			return invalid("Service Connect does not support the protocol udp of portName %s.", s.PortName)
		case p.ContainerPort == nil:
			return invalid("Service Connect does not support the port range of portName %s.", s.PortName)
		case s.PerRequest != nil && p.AppProtocol == "":
			return invalid("perRequestTimeout can only be set if the appProtocol of portName %s isn't TCP.", s.PortName)
		}
		s.ContainerPort, s.Protocol = *p.ContainerPort, p.AppProtocol
		if len(s.Aliases) == 0 {
			s.Aliases = []state.ConnectAlias{{Port: s.ContainerPort}}
		}
		if other, used := taken[s.Ingress()]; used {
			return invalid("The services %s and %s have the same ingress port %d.", other, s.PortName, s.Ingress())
		}
		taken[s.Ingress()] = s.PortName
	}
	for _, con := range d.Containers {
		for _, p := range con.PortMappings {
			if port := wire.Or(p.ContainerPort, 0); taken[port] != "" && taken[port] != p.Name {
				return invalid("The ingressPortOverride %d of portName %s is a port of container %s.", port, taken[port], con.Name)
			}
		}
	}
	return nil
}

// namedPort finds a port mapping by its name.
func namedPort(d *state.TaskDefinition, name string) (state.PortMapping, bool) {
	for _, con := range d.Containers {
		for _, p := range con.PortMappings {
			if p.Name == name && name != "" {
				return p, true
			}
		}
	}
	return state.PortMapping{}, false
}

// refit is the configuration of a service that runs another task definition now.
func refit(d *state.TaskDefinition, have *state.ServiceConnect) (*state.ServiceConnect, error) {
	if have == nil {
		return nil, nil
	}
	out := *have
	out.Services = slices.Clone(have.Services)
	return &out, fitConnect(d, &out)
}

// checkEndpoints wants discovery names and endpoints to be unique in the
// namespace, and returns all that the service's next tasks can connect to.
func checkEndpoints(tx *store.Tx, svc *state.Service) ([]state.ConnectEndpoint, error) {
	if svc.Connect == nil {
		return nil, nil
	}
	ns, ok := state.Namespaces.Get(tx, state.Key(svc.Account, svc.Region, svc.Connect.NamespaceID))
	if !ok {
		return nil, namespaceNotFound()
	}
	all := state.ConnectEndpoints(tx, ns, svc)
	for i, e := range all {
		for _, o := range all[:i] {
			switch {
			case o.DNSName == e.DNSName && o.Port == e.Port:
				return nil, invalid("The client alias %s:%d is already used in the namespace %s.", e.DNSName, e.Port, ns.Name)
			case o.Target.Discovery() == e.Target.Discovery() && o.Service != e.Service:
				return nil, invalid("The discoveryName %s is already used in the namespace %s.", e.Target.Discovery(), ns.Name)
			}
		}
	}
	return all, nil
}

func describeConnect(c *state.ServiceConnect) *ecsapi.ServiceConnectConfiguration {
	if c == nil {
		return nil
	}
	out := &ecsapi.ServiceConnectConfiguration{Enabled: true, Namespace: c.Namespace}
	for _, s := range c.Services {
		one := ecsapi.ServiceConnectService{PortName: s.PortName, DiscoveryName: s.DiscoveryName}
		for _, a := range s.Aliases {
			one.ClientAliases = append(one.ClientAliases, ecsapi.ServiceConnectClientAlias{Port: a.Port, DnsName: a.DNSName})
		}
		if s.IngressPort != 0 {
			one.IngressPortOverride = &s.IngressPort
		}
		if s.Idle != nil || s.PerRequest != nil {
			one.Timeout = &ecsapi.TimeoutConfiguration{IdleTimeoutSeconds: s.Idle, PerRequestTimeoutSeconds: s.PerRequest}
		}
		out.Services = append(out.Services, one)
	}
	return out
}

// describeConnectResources names the services of Cloud Map.
func describeConnectResources(tx *store.Tx, account, region string, c *state.ServiceConnect) []ecsapi.ServiceConnectServiceResource {
	if c == nil {
		return nil
	}
	var out []ecsapi.ServiceConnectServiceResource
	for _, s := range c.Services {
		if d := state.ConnectDiscovery(tx, state.Key(account, region, c.NamespaceID), s.Discovery()); d != nil {
			out = append(out, ecsapi.ServiceConnectServiceResource{DiscoveryName: s.Discovery(), DiscoveryArn: d.ARN()})
		}
	}
	return out
}

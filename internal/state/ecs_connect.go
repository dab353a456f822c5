package state

import (
	"cmp"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/store"
)

// ServiceConnect is the Service Connect configuration of a service that has it on.
type ServiceConnect struct {
	Namespace   string // as given, or the cluster's default
	NamespaceID string // ns-..., of Cloud Map
	Services    []ConnectService
}

// ConnectService is a port of a service's tasks that others reach by a name.
type ConnectService struct {
	PortName      string // of a port mapping of the task definition
	DiscoveryName string // as given; "" for PortName
	Aliases       []ConnectAlias
	IngressPort   int32  // ingressPortOverride; 0 for the container's port
	Idle          *int32 // timeout.idleTimeoutSeconds
	PerRequest    *int32 // timeout.perRequestTimeoutSeconds

	// From the task definition.
	ContainerPort int32
	Protocol      string // http, http2 or grpc; "" is tcp
}

// ConnectAlias is an endpoint: a name and a port of clients.
type ConnectAlias struct {
	DNSName string // as given; "" for DISCOVERY_NAME.NAMESPACE
	Port    int32
}

// Discovery is the name of the service in Cloud Map.
func (s ConnectService) Discovery() string {
	if s.DiscoveryName != "" {
		return s.DiscoveryName
	}
	return s.PortName
}

// Ingress is the port on which the proxies of its tasks listen.
func (s ConnectService) Ingress() int32 {
	if s.IngressPort != 0 {
		return s.IngressPort
	}
	return s.ContainerPort
}

// ConnectEndpoint is a name and port that the tasks of a deployment can connect to.
type ConnectEndpoint struct {
	DNSName string
	Port    int32
	Service string // the ECS service behind it: CLUSTER/NAME
	Target  ConnectService
}

// TaskConnect is a task's part in Service Connect: what its deployment was
// started with. RegisteredAt and DeregisteredAt are when its proxy was put into
// Cloud Map and taken out; written by ecs/serviceconnect.
type TaskConnect struct {
	AttachmentID string // UUID
	Container    string // the proxy's name: ecs-service-connect- and five letters or digits
	ContainerID  string // UUID of its ARN
	NamespaceID  string
	Services     []ConnectService
	Endpoints    []ConnectEndpoint

	RegisteredAt   time.Time
	DeregisteredAt time.Time
}

// ConnectEndpoints lists the endpoints of a namespace by name and port: those of
// all services in it, whatever their cluster. The service mine, which may not be
// stored yet, counts as it is given.
func ConnectEndpoints(tx *store.Tx, ns *Namespace, mine *Service) []ConnectEndpoint {
	var out []ConnectEndpoint
	add := func(svc *Service) {
		if svc.Connect != nil && svc.Connect.NamespaceID == ns.ID && svc.Status == "ACTIVE" {
			out = append(out, svc.Connect.Endpoints(ns.Name, svc.Cluster+"/"+svc.Name)...)
		}
	}
	for svc := range Services.All(tx, Prefix(ns.Account, ns.Region)) {
		if mine == nil || svc.Key() != mine.Key() {
			add(svc)
		}
	}
	if mine != nil {
		add(mine)
	}
	slices.SortStableFunc(out, func(a, b ConnectEndpoint) int {
		return cmp.Or(cmp.Compare(a.DNSName, b.DNSName), cmp.Compare(a.Port, b.Port))
	})
	return out
}

// Endpoints are those that the service (CLUSTER/NAME) offers.
func (c *ServiceConnect) Endpoints(namespace, service string) []ConnectEndpoint {
	var out []ConnectEndpoint
	for _, s := range c.Services {
		for _, a := range s.Aliases {
			if a.DNSName == "" {
				a.DNSName = s.Discovery() + "." + namespace
			}
			out = append(out, ConnectEndpoint{DNSName: a.DNSName, Port: a.Port, Service: service, Target: s})
		}
	}
	return out
}

// ConnectDiscovery is the service of Cloud Map that has a discovery name in a
// namespace; nil when there is none.
func ConnectDiscovery(tx *store.Tx, namespaceKey, name string) *DiscoveryService {
	for s := range DiscoveryServices.By(tx, "name", DiscoveryServiceName(namespaceKey, name)) {
		return s
	}
	return nil
}

// ConnectTargets are what Cloud Map has of a service, as a task of its namespace sees it.
func ConnectTargets(tx *store.Tx, t *Task, s ConnectService) []*ServiceInstance {
	var out []*ServiceInstance
	if d := ConnectDiscovery(tx, t.ConnectNamespace(), s.Discovery()); d != nil {
		for i := range ServiceInstances.All(tx, ServiceInstanceKey(d.Key(), "")) {
			out = append(out, i)
		}
	}
	return out
}

// ConnectInstances are the instances in Cloud Map that stand for a task in Service Connect.
func ConnectInstances(tx *store.Tx, t *Task) []*ServiceInstance {
	if t.Connect == nil {
		return nil
	}
	var out []*ServiceInstance
	for _, s := range t.Connect.Services {
		d := ConnectDiscovery(tx, t.ConnectNamespace(), s.Discovery())
		if d == nil {
			continue
		}
		if i, ok := ServiceInstances.Get(tx, ServiceInstanceKey(d.Key(), t.ID)); ok {
			out = append(out, i)
		}
	}
	return out
}

// ConnectNamespace is the key of the namespace in which a task with Service Connect is.
func (t *Task) ConnectNamespace() string { return Key(t.Account, t.Region, t.Connect.NamespaceID) }

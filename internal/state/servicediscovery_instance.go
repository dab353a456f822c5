package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// The healths of instances.
const (
	InstanceHealthy   = "HEALTHY"
	InstanceUnhealthy = "UNHEALTHY"
)

// ServiceInstance is an instance that was registered with a service of AWS Cloud
// Map. Written by servicediscovery.
type ServiceInstance struct {
	Account, Region, ServiceID, ID string

	Attributes       map[string]string // as registered: AWS_INSTANCE_IPV4 ..., and those of one's own
	AliasZoneID      string            // of the load balancer that AWS_ALIAS_DNS_NAME names: its hosted zone
	HealthCheckID    string            // of Route 53, where the service has its instances checked there
	Health           string            // InstanceHealthy or InstanceUnhealthy; "" when nobody checks
	HealthyAt        time.Time         // when it was healthy last, or was registered as healthy
	CreatorRequestID string
	RegisteredAt     time.Time
}

// Key is the record's key.
func (i *ServiceInstance) Key() string {
	return ServiceInstanceKey(Key(i.Account, i.Region, i.ServiceID), i.ID)
}

// ServiceInstanceKey is the key of an instance of the service with a key. Those of
// all of its instances begin with ServiceInstanceKey(serviceKey, "").
func ServiceInstanceKey(serviceKey, id string) string { return serviceKey + "/" + id }

// ServiceInstances holds instances by account/region/service id/instance id.
var ServiceInstances = store.Define("servicediscovery.instance", (*ServiceInstance).Key)

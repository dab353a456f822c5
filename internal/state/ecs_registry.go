package state

import "github.com/neargate/neargate/internal/store"

// ServiceRegistry is a service of AWS Cloud Map in which each task of an ECS
// service is registered, under its id.
type ServiceRegistry struct {
	ARN           string
	Port          int32  // of SRV records; 0 when they take ContainerPort or there are none
	Container     string // "" when Port tells the port
	ContainerPort int32
}

// InstancePort is the port that instances are registered with; 0 for none.
func (r ServiceRegistry) InstancePort() int32 {
	if r.Port != 0 {
		return r.Port
	}
	return r.ContainerPort
}

// DiscoveryServiceByARN finds the service of Cloud Map with an ARN in an account and region.
func DiscoveryServiceByARN(tx *store.Tx, account, region, arn string) (*DiscoveryService, bool) {
	probe := DiscoveryService{Account: account, Region: region}
	if len(arn) < len(probe.ARN()) || arn[:len(probe.ARN())] != probe.ARN() {
		return nil, false
	}
	return DiscoveryServices.Get(tx, Key(account, region, arn[len(probe.ARN()):]))
}

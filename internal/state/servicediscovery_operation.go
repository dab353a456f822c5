package state

import (
	"time"

	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/store"
)

// The statuses of operations.
const (
	OperationSubmitted = "SUBMITTED"
	OperationSuccess   = "SUCCESS"
	OperationFailed    = "FAIL"
)

// DiscoveryOperation is a change of AWS Cloud Map that goes on after its call was
// answered, or has ended. It is recorded before anything is done, and taken up
// from here after a restart. Written by servicediscovery.
type DiscoveryOperation struct {
	Account, Region, ID string

	Type         string // CREATE_NAMESPACE, REGISTER_INSTANCE ...
	Status       string // OperationSubmitted, OperationSuccess or OperationFailed
	ErrorCode    string // ACCESS_DENIED, CANNOT_CREATE_HOSTED_ZONE ...
	ErrorMessage string
	CreatedAt    time.Time
	UpdatedAt    time.Time
	Caller       caller.Identity // as whom Route 53 is called
	RequestID    string          // the caller's own name for the request

	NamespaceID, ServiceID, InstanceID string // what it changes
	// What that becomes; nil where it is deleted, and once the operation has ended.
	Namespace *Namespace
	Service   *DiscoveryService
	Instance  *ServiceInstance
}

// Key is the record's key.
func (o *DiscoveryOperation) Key() string { return Key(o.Account, o.Region, o.ID) }

// Target is the key of what the operation changes: of a namespace or service.
func (o *DiscoveryOperation) Target() string {
	if o.ServiceID != "" {
		return Key(o.Account, o.Region, o.ServiceID)
	}
	return Key(o.Account, o.Region, o.NamespaceID)
}

// DiscoveryOperations holds operations by account/region/id. Index "open": what
// Target gives, while the operation goes on; "request": account/region/type/the
// caller's own name for it.
var DiscoveryOperations = store.Define("servicediscovery.operation", (*DiscoveryOperation).Key,
	store.By("open", func(o *DiscoveryOperation) []string {
		if o.Status != OperationSubmitted {
			return nil
		}
		return []string{o.Target()}
	}),
	store.By("request", func(o *DiscoveryOperation) []string {
		if o.RequestID == "" {
			return nil
		}
		return []string{DiscoveryRequest(o.Account, o.Region, o.Type, o.RequestID)}
	}))

// DiscoveryRequest is the value of the index "request" of DiscoveryOperations.
func DiscoveryRequest(account, region, operationType, requestID string) string {
	return Key(account, region, operationType+"/"+requestID)
}

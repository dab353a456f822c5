package servicediscovery

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// The types of operations.
const (
	opCreateNamespace    = "CREATE_NAMESPACE"
	opUpdateNamespace    = "UPDATE_NAMESPACE"
	opDeleteNamespace    = "DELETE_NAMESPACE"
	opUpdateService      = "UPDATE_SERVICE"
	opRegisterInstance   = "REGISTER_INSTANCE"
	opDeregisterInstance = "DEREGISTER_INSTANCE"
)

// operationsKept is how many ended operations of an account in a region are kept.
const operationsKept = 1000

// submit records an operation, which the loop carries out. prepare checks the
// request and fills in what is to change. One about something that another
// operation is still changing is refused.
func (s *Service) submit(ctx context.Context, kind string, prepare func(*store.Tx, *state.DiscoveryOperation) error) (*state.DiscoveryOperation, error) {
	return s.submitOnce(ctx, kind, "", nil, prepare)
}

// submitOnce is submit of a request to which the caller gave a name: the operation
// of an earlier one of that name is the answer if it was the same, and did not
// fail or what it made is gone.
func (s *Service) submitOnce(ctx context.Context, kind, requestID string, same func(*store.Tx, *state.DiscoveryOperation) bool, prepare func(*store.Tx, *state.DiscoveryOperation) error) (*state.DiscoveryOperation, error) {
	id := caller.From(ctx)
	id.ViaService = principal
	now := s.now()
	o := &state.DiscoveryOperation{
		Account: id.Account, Region: id.Region, ID: ids.Lower(32) + "-" + ids.Lower(8), Type: kind, Status: state.OperationSubmitted, CreatedAt: now, UpdatedAt: now, Caller: id, RequestID: requestID,
	}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		if requestID != "" {
			for before := range state.DiscoveryOperations.By(tx, "request", state.DiscoveryRequest(o.Account, o.Region, kind, requestID)) {
				if before.Status != state.OperationFailed && same(tx, before) {
					o = before
					return nil
				}
			}
		}
		if err := prepare(tx, o); err != nil {
			return err
		}
		if other := busy(tx, o); other != nil {
			return &servicediscoveryapi.DuplicateRequest{Message: "Another operation of type " + other.Type + " is in progress: " + other.ID, DuplicateOperationId: other.ID}
		}
		forget(tx, o.Account, o.Region)
		state.DiscoveryOperations.Put(tx, o)
		return nil
	})
	return o, err
}

// busy is the open operation on what another is to change; nil for none.
func busy(tx *store.Tx, o *state.DiscoveryOperation) *state.DiscoveryOperation {
	for other := range state.DiscoveryOperations.By(tx, "open", o.Target()) {
		if other.InstanceID == o.InstanceID {
			return other
		}
	}
	return nil
}

// forget drops the older half of the ended operations when they are many.
func forget(tx *store.Tx, account, region string) {
	ended := slices.DeleteFunc(slices.Collect(state.DiscoveryOperations.All(tx, state.Prefix(account, region))), func(o *state.DiscoveryOperation) bool { return o.Status == state.OperationSubmitted })
	if len(ended) < operationsKept {
		return
	}
	slices.SortFunc(ended, func(a, b *state.DiscoveryOperation) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
	for _, o := range ended[:len(ended)/2] {
		state.DiscoveryOperations.Delete(tx, o.Key())
	}
}

// GetOperation tells how far an operation is.
func (s *Service) GetOperation(ctx context.Context, in *servicediscoveryapi.GetOperationRequest) (*servicediscoveryapi.GetOperationResponse, error) {
	id := caller.From(ctx)
	o, ok := state.DiscoveryOperations.Get(s.DB.Read(), state.Key(id.Account, id.Region, in.OperationId))
	if !ok || in.OwnerAccount != "" && in.OwnerAccount != id.Account {
		return nil, &servicediscoveryapi.OperationNotFound{Message: "Operation not found: " + in.OperationId}
	}
	targets := map[servicediscoveryapi.OperationTargetType]string{}
	for target, value := range map[servicediscoveryapi.OperationTargetType]string{
		servicediscoveryapi.OperationTargetTypeNamespace: o.NamespaceID,
		servicediscoveryapi.OperationTargetTypeService:   o.ServiceID,
		servicediscoveryapi.OperationTargetTypeInstance:  o.InstanceID,
	} {
		if value != "" {
			targets[target] = value
		}
	}
	return &servicediscoveryapi.GetOperationResponse{Operation: &servicediscoveryapi.Operation{
		Id: o.ID, OwnerAccount: o.Account, Type: servicediscoveryapi.OperationType(o.Type), Status: servicediscoveryapi.OperationStatus(o.Status),
		ErrorCode: o.ErrorCode, ErrorMessage: o.ErrorMessage, CreateDate: o.CreatedAt, UpdateDate: o.UpdatedAt, Targets: targets,
	}}, nil
}

// ListOperations lists the operations that pass all filters, the newest first.
func (s *Service) ListOperations(ctx context.Context, in *servicediscoveryapi.ListOperationsRequest) (*servicediscoveryapi.ListOperationsResponse, error) {
	id := caller.From(ctx)
	found := slices.Collect(state.DiscoveryOperations.All(s.DB.Read(), state.Prefix(id.Account, id.Region)))
	for _, f := range in.Filters {
		match, err := operationFilter(f)
		if err != nil {
			return nil, err
		}
		found = slices.DeleteFunc(found, func(o *state.DiscoveryOperation) bool { return !match(o) })
	}
	newest := func(o *state.DiscoveryOperation) string { // keys in descending order of time
		return strconv.FormatInt(1<<62-o.CreatedAt.UnixMilli(), 36) + o.ID
	}
	slices.SortFunc(found, func(a, b *state.DiscoveryOperation) int { return cmp.Compare(newest(a), newest(b)) })
	found, next, err := page(found, newest, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &servicediscoveryapi.ListOperationsResponse{Operations: []servicediscoveryapi.OperationSummary{}, NextToken: next}
	for _, o := range found {
		out.Operations = append(out.Operations, servicediscoveryapi.OperationSummary{Id: o.ID, Status: servicediscoveryapi.OperationStatus(o.Status)})
	}
	return out, nil
}

// operationFilter is a filter as a question about one operation.
func operationFilter(f servicediscoveryapi.OperationFilter) (func(*state.DiscoveryOperation) bool, error) {
	if f.Name == servicediscoveryapi.OperationFilterNameUpdateDate {
		return between(f)
	}
	of := map[servicediscoveryapi.OperationFilterName]func(*state.DiscoveryOperation) string{
		servicediscoveryapi.OperationFilterNameNamespaceId: func(o *state.DiscoveryOperation) string { return o.NamespaceID },
		servicediscoveryapi.OperationFilterNameServiceId:   func(o *state.DiscoveryOperation) string { return o.ServiceID },
		servicediscoveryapi.OperationFilterNameStatus:      func(o *state.DiscoveryOperation) string { return o.Status },
		servicediscoveryapi.OperationFilterNameType:        func(o *state.DiscoveryOperation) string { return o.Type },
	}[f.Name]
	matches, err := condition(string(f.Name), f.Condition, f.Values)
	if err != nil {
		return nil, err
	}
	return func(o *state.DiscoveryOperation) bool { return matches(of(o)) }, nil
}

// between is a filter for operations that changed between two times in seconds.
func between(f servicediscoveryapi.OperationFilter) (func(*state.DiscoveryOperation) bool, error) {
	if f.Condition != servicediscoveryapi.FilterConditionBetween || len(f.Values) != 2 {
		return nil, invalid("Filter UPDATE_DATE takes the condition BETWEEN and two values.")
	}
	var ends [2]time.Time
	for i, v := range f.Values {
		seconds, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return nil, invalid("Filter UPDATE_DATE takes times in seconds: " + v)
		}
		ends[i] = time.UnixMilli(int64(seconds * 1000))
	}
	return func(o *state.DiscoveryOperation) bool {
		return !o.UpdatedAt.Before(ends[0]) && !o.UpdatedAt.After(ends[1])
	}, nil
}

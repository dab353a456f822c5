package servicediscovery

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/fault"
	"github.com/neargate/neargate/internal/reconcile"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// step carries out the open operations on a namespace or service, in their order,
// and makes a service's DNS records follow the health of its instances.
func (s *Service) step(ctx context.Context, target string) (reconcile.Result, error) {
	open := slices.Collect(state.DiscoveryOperations.By(s.DB.Read(), "open", target))
	slices.SortFunc(open, func(a, b *state.DiscoveryOperation) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	for _, o := range open {
		if err := s.carryOut(ctx, o); err != nil {
			return reconcile.Result{}, err
		}
	}
	account, region, _ := state.SplitKey(target)
	return reconcile.Result{}, s.settle(s.itself(caller.With(ctx, caller.Identity{Account: account, Region: region})), target, asIs)
}

func asIs(v *state.DiscoveryService, all []*state.ServiceInstance) (*state.DiscoveryService, []*state.ServiceInstance) {
	return v, all
}

// carryOut does what an operation is for, which may have been begun before, and
// records its end. AWS's errors end it, too; others are repeated.
func (s *Service) carryOut(ctx context.Context, o *state.DiscoveryOperation) error {
	do := map[string]func(context.Context, *state.DiscoveryOperation) (commit, error){
		opCreateNamespace: s.makeZone,
		opUpdateNamespace: s.changeZone,
		opDeleteNamespace: s.removeZone,
		opUpdateService:   s.update, opRegisterInstance: s.register, opDeregisterInstance: s.deregister,
	}[o.Type]
	finish, err := do(caller.With(ctx, o.Caller), o)
	var answer wire.Error
	if err != nil && (ctx.Err() != nil || !errors.As(err, &answer)) {
		return err
	}
	fault.Point("servicediscovery.operation")
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		if answer == nil {
			if failed := finish(tx); failed != nil && !errors.As(failed, &answer) {
				return failed
			}
		}
		state.DiscoveryOperations.Update(tx, o.Key(), func(r *state.DiscoveryOperation) {
			r.Status, r.UpdatedAt, r.Namespace, r.Service, r.Instance = state.OperationSuccess, s.now(), nil, nil, nil
			if answer != nil {
				r.Status, r.ErrorCode, r.ErrorMessage = state.OperationFailed, failure(o.Type, answer), answer.ErrorMessage()
			}
		})
		return nil
	})
}

// commit is what an operation changes of the records once the rest is done.
type commit func(tx *store.Tx) error

// failure is Cloud Map's code for an error that ends an operation.
func failure(kind string, err wire.Error) string {
	code := err.ErrorCode()
	switch {
	case strings.HasPrefix(code, "AccessDenied"), code == "UnauthorizedOperation":
		return "ACCESS_DENIED"
	case kind == opCreateNamespace:
		return "CANNOT_CREATE_HOSTED_ZONE"
	case code == "NoSuchHostedZone":
		return "HOSTED_ZONE_NOT_FOUND"
	case code == "InvalidChangeBatch":
		return "INVALID_CHANGE_BATCH"
	}
	return "INTERNAL_FAILURE"
}

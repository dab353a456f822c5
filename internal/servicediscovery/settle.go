package servicediscovery

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/fault"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// register carries out a registration: health check and records first, as the
// caller, then the instance.
func (s *Service) register(ctx context.Context, o *state.DiscoveryOperation) (commit, error) {
	i, err := s.makeCheck(ctx, o)
	if err != nil {
		return nil, err
	}
	err = s.settle(ctx, o.Target(), func(v *state.DiscoveryService, all []*state.ServiceInstance) (*state.DiscoveryService, []*state.ServiceInstance) {
		return v, append(without(all, o.InstanceID), i)
	})
	if err == nil {
		err = s.dropCheck(ctx, o, i)
	} else if i.HealthCheckID != "" { // made again when this is tried again
		_, problem := s.zones.DeleteHealthCheck(s.itself(ctx), &route53api.DeleteHealthCheckRequest{HealthCheckId: i.HealthCheckID})
		err = errors.Join(err, problem)
	}
	return func(tx *store.Tx) error {
		state.ServiceInstances.Put(tx, i)
		state.DiscoveryServices.Update(tx, o.Target(), func(v *state.DiscoveryService) { v.Revision++ })
		return nil
	}, err
}

// deregister carries out a deregistration.
func (s *Service) deregister(ctx context.Context, o *state.DiscoveryOperation) (commit, error) {
	err := s.settle(ctx, o.Target(), func(v *state.DiscoveryService, all []*state.ServiceInstance) (*state.DiscoveryService, []*state.ServiceInstance) {
		return v, without(all, o.InstanceID)
	})
	if err == nil {
		err = s.dropCheck(ctx, o, nil)
	}
	return func(tx *store.Tx) error {
		state.ServiceInstances.Delete(tx, state.ServiceInstanceKey(o.Target(), o.InstanceID))
		state.DiscoveryServices.Update(tx, o.Target(), func(v *state.DiscoveryService) { v.Revision++ })
		return nil
	}, err
}

// update carries out a change of a service.
func (s *Service) update(ctx context.Context, o *state.DiscoveryOperation) (commit, error) {
	err := s.settle(ctx, o.Target(), func(_ *state.DiscoveryService, all []*state.ServiceInstance) (*state.DiscoveryService, []*state.ServiceInstance) {
		return o.Service, all
	})
	return func(tx *store.Tx) error {
		state.DiscoveryServices.Update(tx, o.Target(), func(v *state.DiscoveryService) { v.Description, v.Records = o.Service.Description, o.Service.Records })
		return nil
	}, err
}

func without(all []*state.ServiceInstance, id string) []*state.ServiceInstance {
	return slices.DeleteFunc(all, func(i *state.ServiceInstance) bool { return i.ID == id })
}

// maxChanges is how many record sets are changed in one request.
const maxChanges = 500

// settle makes the DNS records of a service what they should be once change is
// done, as the principal in ctx.
func (s *Service) settle(ctx context.Context, key string, change func(*state.DiscoveryService, []*state.ServiceInstance) (*state.DiscoveryService, []*state.ServiceInstance)) error {
	tx := s.DB.Read()
	v, ok := state.DiscoveryServices.Get(tx, key)
	if !ok {
		return nil
	}
	n, ok := state.Namespaces.Get(tx, v.NamespaceKey())
	if !ok || n.Type == state.NamespaceHTTP {
		return nil
	}
	services := slices.Collect(state.DiscoveryServices.By(tx, "namespace", n.Key()))
	var have []*state.RecordSet
	for r := range state.RecordSets.All(tx, n.HostedZoneID+"/") {
		if belongs(r, n, v, services) {
			have = append(have, r)
		}
	}
	after, all := change(v, instances(tx, v))
	drop, put := difference(have, wanted(n, after, all))
	var changes []route53api.Change
	for _, r := range drop {
		changes = append(changes, route53api.Change{Action: route53api.ChangeActionDelete, ResourceRecordSet: recordSet(r)})
	}
	for _, r := range put {
		changes = append(changes, route53api.Change{Action: route53api.ChangeActionUpsert, ResourceRecordSet: recordSet(r)})
	}
	for batch := range slices.Chunk(changes, maxChanges) {
		fault.Point("servicediscovery.records")
		if _, err := s.zones.ChangeResourceRecordSets(ctx, &route53api.ChangeResourceRecordSetsRequest{HostedZoneId: n.HostedZoneID, ChangeBatch: &route53api.ChangeBatch{Comment: "AWS Cloud Map service " + v.ID, Changes: batch}}); err != nil {
			return fmt.Errorf("records of %s: %w", v.ID, err)
		}
	}
	return nil
}

// recordSet is a record as Route 53's API has it.
func recordSet(r *state.RecordSet) *route53api.ResourceRecordSet {
	out := &route53api.ResourceRecordSet{Name: r.Name, Type: route53api.RRType(r.Type), SetIdentifier: r.SetIdentifier, Weight: r.Weight, HealthCheckId: r.HealthCheckID}
	if r.MultiValue {
		out.MultiValueAnswer = new(true)
	}
	if r.Alias != nil {
		out.AliasTarget = &route53api.AliasTarget{HostedZoneId: r.Alias.HostedZoneID, DNSName: r.Alias.DNSName, EvaluateTargetHealth: r.Alias.EvaluateTargetHealth}
		return out
	}
	out.TTL = &r.TTL
	for _, v := range r.Values {
		out.ResourceRecords = append(out.ResourceRecords, route53api.ResourceRecord{Value: v})
	}
	return out
}

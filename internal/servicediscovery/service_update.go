package servicediscovery

import (
	"context"
	"fmt"
	"maps"

	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// UpdateService changes a service's description and the TTLs of its DNS records.
// Kinds of records that are left out are deleted; new ones cannot be added.
func (s *Service) UpdateService(ctx context.Context, in *servicediscoveryapi.UpdateServiceRequest) (*servicediscoveryapi.UpdateServiceResponse, error) {
	o, err := s.submit(ctx, opUpdateService, func(tx *store.Tx, o *state.DiscoveryOperation) error {
		v, err := service(tx, caller.From(ctx), in.Id)
		if err != nil {
			return err
		}
		if err := checkChanged(v, in.Service.HealthCheckConfig); err != nil {
			return err
		}
		changed := *v
		if in.Service.Description != "" {
			changed.Description = in.Service.Description
		}
		if v.HTTPOnly && in.Service.DnsConfig != nil {
			return invalid("DnsConfig can't be updated for services that have no DNS records.")
		}
		changed.Records = nil
		if in.Service.DnsConfig != nil {
			for _, r := range in.Service.DnsConfig.DnsRecords {
				if !v.HasRecord(string(r.Type)) {
					return invalid("Records of the type " + string(r.Type) + " can't be added to a service.")
				}
				changed.Records = append(changed.Records, state.DiscoveryRecord{Type: string(r.Type), TTL: r.TTL})
			}
			if err := recordsFault(&changed); err != nil {
				return err
			}
		}
		o.NamespaceID, o.ServiceID, o.Service = v.NamespaceID, v.ID, &changed
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &servicediscoveryapi.UpdateServiceResponse{OperationId: o.ID}, nil
}

// DeleteService deletes a service that has no instances.
func (s *Service) DeleteService(ctx context.Context, in *servicediscoveryapi.DeleteServiceRequest) (*servicediscoveryapi.DeleteServiceResponse, error) {
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		v, err := service(tx, caller.From(ctx), in.Id)
		if err != nil {
			return err
		}
		used := len(instances(tx, v)) > 0
		for o := range state.DiscoveryOperations.By(tx, "open", v.Key()) {
			used = used || o.Type == opRegisterInstance
		}
		if used {
			return &servicediscoveryapi.ResourceInUse{Message: "Service contains registered instances; delete the instances before deleting the service"}
		}
		state.DiscoveryServices.Delete(tx, v.Key())
		return nil
	})
	return &servicediscoveryapi.DeleteServiceResponse{}, err
}

const maxServiceAttributes = 30

// GetServiceAttributes tells the attributes of a service.
func (s *Service) GetServiceAttributes(ctx context.Context, in *servicediscoveryapi.GetServiceAttributesRequest) (*servicediscoveryapi.GetServiceAttributesResponse, error) {
	v, err := service(s.DB.Read(), caller.From(ctx), in.ServiceId)
	if err != nil {
		return nil, err
	}
	return &servicediscoveryapi.GetServiceAttributesResponse{ServiceAttributes: &servicediscoveryapi.ServiceAttributes{ServiceArn: v.ARN(), ResourceOwner: v.Account, Attributes: v.Attributes}}, nil
}

// UpdateServiceAttributes puts attributes over those of a service.
func (s *Service) UpdateServiceAttributes(ctx context.Context, in *servicediscoveryapi.UpdateServiceAttributesRequest) (*servicediscoveryapi.UpdateServiceAttributesResponse, error) {
	return &servicediscoveryapi.UpdateServiceAttributesResponse{}, s.changeAttributes(ctx, in.ServiceId, func(all map[string]string) error {
		maps.Copy(all, in.Attributes)
		if len(all) > maxServiceAttributes {
			return &servicediscoveryapi.ServiceAttributesLimitExceededException{Message: fmt.Sprintf("A service can have up to %d attributes.", maxServiceAttributes)}
		}
		return nil
	})
}

// DeleteServiceAttributes takes attributes off a service.
func (s *Service) DeleteServiceAttributes(ctx context.Context, in *servicediscoveryapi.DeleteServiceAttributesRequest) (*servicediscoveryapi.DeleteServiceAttributesResponse, error) {
	return &servicediscoveryapi.DeleteServiceAttributesResponse{}, s.changeAttributes(ctx, in.ServiceId, func(all map[string]string) error {
		for _, key := range in.Attributes {
			delete(all, key)
		}
		return nil
	})
}

func (s *Service) changeAttributes(ctx context.Context, idOrARN string, change func(map[string]string) error) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		v, err := service(tx, caller.From(ctx), idOrARN)
		if err != nil {
			return err
		}
		all := map[string]string{}
		maps.Copy(all, v.Attributes)
		if err := change(all); err != nil {
			return err
		}
		state.DiscoveryServices.Update(tx, v.Key(), func(v *state.DiscoveryService) { v.Attributes = all })
		return nil
	})
}

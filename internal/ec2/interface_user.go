package ec2

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/state"
)

// CreateNetworkInterface makes an interface that is attached to nothing: it
// holds its address, and may get an elastic one.
func (s *Service) CreateNetworkInterface(ctx context.Context, in *ec2api.CreateNetworkInterfaceRequest) (*ec2api.CreateNetworkInterfaceResult, error) {
	if err := unsupported(in, "SubnetId", "Description", "PrivateIpAddress", "PrivateIpAddresses", "Ipv6Addresses", "Ipv6AddressCount", "Groups", "TagSpecifications", "ClientToken"); err != nil {
		return nil, err
	}
	wanted, err := primaryAddress(in.PrivateIpAddress, in.PrivateIpAddresses)
	if err != nil {
		return nil, err
	}
	if len(in.Description) > 255 {
		return nil, errParameter(in.Description, "description", "Must be at most 255 characters.")
	}
	count6, wanted6, err := asked6(in.Ipv6AddressCount, each(in.Ipv6Addresses, func(a ec2api.InstanceIpv6Address) string { return a.Ipv6Address }))
	if err != nil {
		return nil, err
	}
	var out ec2api.CreateNetworkInterfaceResult
	err = s.write(ctx, in.DryRun, func(q *scope) error {
		name := ""
		if in.ClientToken != "" {
			name = "token/" + in.ClientToken
			if made, ok := first(state.NetworkInterfaces.By(q.tx, "name", q.key(name))); ok {
				out.NetworkInterface, out.ClientToken = q.interfaceOut(made), in.ClientToken
				return nil
			}
		}
		subnet, err := get(q, state.Subnets, kindSubnet, in.SubnetId)
		if err != nil {
			return err
		}
		tags, err := specifiedTags(q, in.TagSpecifications, "network-interface")
		if err != nil {
			return err
		}
		n, err := q.makeInterface(newInterface{
			subnet: subnet, groups: in.Groups, address: wanted, name: name, description: in.Description,
			interfaceType: state.InterfaceTypeTask, requester: q.caller.UserID, status: "available", tags: tags,
			ipv6: count6 > 0 || subnet.AssignIPv6OnCreation, address6: wanted6,
		})
		if err != nil {
			return err
		}
		out.NetworkInterface, out.ClientToken = q.interfaceOut(n), in.ClientToken
		return nil
	})
	return &out, err
}

// primaryAddress is the one address that is asked for, in either of two ways; ""
// for any. Interfaces have no secondary ones.
func primaryAddress(one string, list []ec2api.PrivateIpAddressSpecification) (string, error) {
	if len(list) == 0 {
		return one, nil
	}
	if len(list) > 1 || !wire.Or(list[0].Primary, false) || one != "" && one != list[0].PrivateIpAddress {
		return "", errUnsupported("A secondary private address")
	}
	return list[0].PrivateIpAddress, nil
}

// userInterface returns an interface that a user may change.
func (q *scope) userInterface(id string) (*state.NetworkInterface, error) {
	n, err := get(q, state.NetworkInterfaces, kindInterface, id)
	if err == nil && managed(n) {
		return nil, errorf("OperationNotPermitted", "You do not have permission to access the specified resource: the network interface '%s' is managed by %s.", id, n.Attachment.InstanceOwnerID)
	}
	return n, err
}

// DeleteNetworkInterface deletes an interface that is not in use.
func (s *Service) DeleteNetworkInterface(ctx context.Context, in *ec2api.DeleteNetworkInterfaceRequest) error {
	return s.write(ctx, in.DryRun, func(q *scope) error {
		n, err := get(q, state.NetworkInterfaces, kindInterface, in.NetworkInterfaceId)
		if err != nil {
			return err
		}
		if managed(n) {
			return errorf("InvalidParameterValue", "Network interface '%s' is currently in use.", n.ID)
		}
		q.removeInterface(n)
		return nil
	})
}

// ModifyNetworkInterfaceAttribute changes the description or the groups.
func (s *Service) ModifyNetworkInterfaceAttribute(ctx context.Context, in *ec2api.ModifyNetworkInterfaceAttributeRequest) error {
	if err := unsupported(in, "NetworkInterfaceId", "Description", "Groups", "SourceDestCheck"); err != nil {
		return err
	}
	if in.SourceDestCheck != nil && !wire.Or(in.SourceDestCheck.Value, true) {
		return errUnsupported("Turning off SourceDestCheck")
	}
	return s.write(ctx, in.DryRun, func(q *scope) error {
		n, err := q.userInterface(in.NetworkInterfaceId)
		if err != nil {
			return err
		}
		changed := *n
		if in.Description != nil {
			changed.Description = in.Description.Value
		}
		if len(in.Groups) > 0 {
			subnet, err := get(q, state.Subnets, kindSubnet, n.SubnetID)
			if err != nil {
				return err
			}
			if changed.SecurityGroupIDs, err = q.interfaceGroups(subnet, in.Groups); err != nil {
				return err
			}
		}
		state.NetworkInterfaces.Put(q.tx, &changed)
		q.touch(n.VpcID)
		return nil
	})
}

// DescribeNetworkInterfaceAttribute reads one attribute.
func (s *Service) DescribeNetworkInterfaceAttribute(ctx context.Context, in *ec2api.DescribeNetworkInterfaceAttributeRequest) (*ec2api.DescribeNetworkInterfaceAttributeResult, error) {
	var out ec2api.DescribeNetworkInterfaceAttributeResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		n, err := get(q, state.NetworkInterfaces, kindInterface, in.NetworkInterfaceId)
		if err != nil {
			return err
		}
		out.NetworkInterfaceId = n.ID
		check, public := sourceDestCheck(n), n.PublicIPAddress != ""
		switch in.Attribute {
		case "description":
			out.Description = &ec2api.AttributeValue{Value: n.Description}
		case "groupSet":
			out.Groups = q.groupsOut(n.SecurityGroupIDs)
		case "sourceDestCheck":
			out.SourceDestCheck = &ec2api.AttributeBooleanValue{Value: &check}
		case "attachment":
			out.Attachment = attachmentOut(n)
		case "associatePublicIpAddress":
			out.AssociatePublicIpAddress = &public
		case "":
			return errMissing("attribute")
		default:
			return errParameter(in.Attribute, "attribute", "Unknown attribute.")
		}
		return nil
	})
	return &out, err
}

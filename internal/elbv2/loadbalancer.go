package elbv2

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

var nameForm = regexp.MustCompile(`^[a-zA-Z0-9-]+$`)

// checkName checks the name of a load balancer or target group.
func checkName(kind, name string) error {
	switch {
	case len(name) > 32:
		return invalid("The %s name '%s' cannot be longer than '32' characters", kind, name)
	case !nameForm.MatchString(name):
		return invalid("The %s name '%s' can only contain characters that are alphanumeric characters and hyphens(-)", kind, name)
	case strings.HasPrefix(name, "-") || strings.HasSuffix(name, "-"):
		return invalid("The %s name '%s' cannot begin or end with '-'", kind, name)
	}
	return nil
}

// CreateLoadBalancer makes a load balancer; its nodes come in a moment.
func (s *Service) CreateLoadBalancer(ctx context.Context, in *elbv2api.CreateLoadBalancerInput) (*elbv2api.CreateLoadBalancerOutput, error) {
	if err := checkCreate(in); err != nil {
		return nil, err
	}
	tags, err := checkTags(ctx, in.Tags)
	if err != nil {
		return nil, err
	}
	id := caller.From(ctx)
	if err := s.linkedRole(ctx, id.Account); err != nil {
		return nil, err
	}
	var out *state.LoadBalancer
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		q := scopeOf(ctx, tx)
		vpc, subnets, err := q.subnets(in.Type == elbv2api.LoadBalancerTypeEnumNetwork, in.Subnets, in.SubnetMappings)
		if err != nil {
			return err
		}
		b := &state.LoadBalancer{
			Account: q.account, Region: q.region, Name: in.Name, Path: "app/" + in.Name + "/" + ids.Hex(16), Type: typeApplication, Scheme: string(in.Scheme),
			VpcID: vpc, Subnets: subnets, Status: state.LoadBalancerProvisioning, CreatedAt: s.Now(), Tool: id.Tool(), Tags: tags,
		}
		if in.Type == elbv2api.LoadBalancerTypeEnumNetwork {
			b.Type, b.Path = typeNetwork, "net/"+strings.TrimPrefix(b.Path, "app/")
		}
		if s.Plane == nil {
			b.Status = state.LoadBalancerActive
		}
		if b.Scheme == "" {
			b.Scheme = string(elbv2api.LoadBalancerSchemeEnumInternetFacing)
		}
		if err := q.addresses(b, in.SubnetMappings); err != nil {
			return err
		}
		if b.SecurityGroupIDs, err = q.securityGroupsOf(b, in.SecurityGroups); err != nil {
			return err
		}
		if old, ok := q.balancerNamed(in.Name); ok {
			if out = old; sameBalancer(old, b) {
				return nil
			}
			return &elbv2api.DuplicateLoadBalancerNameException{Message: "A load balancer with the same name '" + in.Name + "' exists, but with different settings"}
		}
		if b.InternetFacing() && count(state.InternetGateways.By(tx, "vpc", q.key(vpc))) == 0 {
			return &elbv2api.InvalidSubnetException{Message: "VPC " + vpc + " has no internet gateway"}
		}
		if count(state.LoadBalancers.All(tx, state.Prefix(q.account, q.region))) >= maxBalancers {
			return &elbv2api.TooManyLoadBalancersException{Message: "The maximum number of load balancers has been reached"}
		}
		b.DNSName = dnsName(b)
		state.LoadBalancers.Put(tx, b)
		out = b
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elbv2api.CreateLoadBalancerOutput{LoadBalancers: []elbv2api.LoadBalancer{describe(out)}}, nil
}

// checkCreate checks what needs no records.
func checkCreate(in *elbv2api.CreateLoadBalancerInput) error {
	switch {
	case in.Type == elbv2api.LoadBalancerTypeEnumGateway:
		return unsupported("The load balancer type '" + string(in.Type) + "'")
	case in.IpAddressType != "" && in.IpAddressType != elbv2api.IpAddressTypeIpv4:
		return unsupported("The IP address type '" + string(in.IpAddressType) + "'")
	case in.CustomerOwnedIpv4Pool != "":
		return unsupported("CustomerOwnedIpv4Pool")
	case in.IpamPools != nil:
		return unsupported("IpamPools")
	case in.EnablePrefixForIpv6SourceNat != "":
		return unsupported("EnablePrefixForIpv6SourceNat")
	case strings.HasPrefix(in.Name, "internal-"):
		return invalid("The load balancer name '%s' cannot begin with 'internal-'", in.Name)
	}
	return checkName("load balancer", in.Name)
}

// dnsName is the public name of a load balancer.
func dnsName(b *state.LoadBalancer) string {
	if b.Network() {
		return b.Name + "-" + b.ID() + ".elb." + b.Region + ".amazonaws.com"
	}
	name := b.Name + "-" + ids.Digits(10) + "." + b.Region + ".elb.amazonaws.com"
	if !b.InternetFacing() {
		name = "internal-" + name
	}
	return name
}

// sameBalancer reports whether a request for b would have made old.
func sameBalancer(old, b *state.LoadBalancer) bool {
	names := func(b *state.LoadBalancer) []string {
		var out []string
		for _, n := range b.Subnets {
			out = append(out, n.SubnetID+" "+n.AllocationID+" "+n.Address)
		}
		return slices.Sorted(slices.Values(out))
	}
	groups := func(b *state.LoadBalancer) []string { return slices.Sorted(slices.Values(b.SecurityGroupIDs)) }
	return old.Type == b.Type && old.Scheme == b.Scheme && slices.Equal(names(old), names(b)) && slices.Equal(groups(old), groups(b)) && sameTags(old.Tags, b.Tags)
}

func sameTags(a, b []state.Tag) bool {
	order := func(a, b state.Tag) int { return strings.Compare(a.Key, b.Key) }
	return slices.Equal(slices.SortedFunc(slices.Values(a), order), slices.SortedFunc(slices.Values(b), order))
}

// DeleteLoadBalancer deletes a load balancer with its listeners and rules. One that
// is not there is no error.
func (s *Service) DeleteLoadBalancer(ctx context.Context, in *elbv2api.DeleteLoadBalancerInput) (*elbv2api.DeleteLoadBalancerOutput, error) {
	var key string
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		q := scopeOf(ctx, tx)
		path, err := q.path(kindLoadBalancer, in.LoadBalancerArn)
		if err != nil {
			return err
		}
		b, ok := state.LoadBalancers.Get(tx, q.key(path))
		if !ok {
			return nil
		}
		if (lookup{balancerAttributesOf(b), b.Attributes}).truth("deletion_protection.enabled") {
			return notPermitted("Load balancer '%s' cannot be deleted because deletion protection is enabled", in.LoadBalancerArn)
		}
		key = b.Key()
		for l := range state.Listeners.By(tx, "load-balancer", key) {
			q.removeListener(l)
		}
		if s.Plane == nil {
			state.LoadBalancers.Delete(tx, key)
			return nil
		}
		state.LoadBalancers.Update(tx, key, func(b *state.LoadBalancer) { b.Status = state.LoadBalancerDeleting })
		return nil
	})
	if err != nil {
		return nil, err
	}
	if key != "" {
		s.awaitRemoval(ctx, key)
	}
	return &elbv2api.DeleteLoadBalancerOutput{}, nil
}

// awaitRemoval waits a moment for a load balancer's interfaces to go, so that
// whoever deletes its subnets and security groups next can.
func (s *Service) awaitRemoval(ctx context.Context, key string) {
	for range 250 {
		if _, there := state.LoadBalancers.Get(s.DB.Read(), key); !there {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

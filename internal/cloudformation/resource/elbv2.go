package resource

import (
	"context"
	"strings"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/state"
)

func (r *Request) elb() elbv2api.API { return elbv2api.NewClient(r.Invoker) }

func elbTags(tags []state.Tag) []elbv2api.Tag {
	var out []elbv2api.Tag
	for _, t := range tags {
		out = append(out, elbv2api.Tag{Key: t.Key, Value: t.Value})
	}
	return out
}

// elbRetag brings the tags of a load balancer or target group up to date.
func (r *Request) elbRetag(ctx context.Context) error {
	set, removed := r.tagChange()
	if set != nil {
		if _, err := r.elb().AddTags(ctx, &elbv2api.AddTagsInput{ResourceArns: []string{r.PhysicalID}, Tags: elbTags(set)}); err != nil {
			return err
		}
	}
	if removed == nil {
		return nil
	}
	_, err := r.elb().RemoveTags(ctx, &elbv2api.RemoveTagsInput{ResourceArns: []string{r.PhysicalID}, TagKeys: removed})
	return err
}

// elbName is the name of a load balancer or target group: at most 32 characters.
func (r *Request) elbName() string {
	if name := r.Text("Name"); name != "" {
		return name
	}
	return strings.Trim(r.Name(32), "-")
}

// keyValues is a list of attributes, each with a key and a value.
var keyValues = ListOf(Object(Properties{"Key": String, "Value": String}))

// fullName is the part of an ARN of a load balancer or target group that metrics use.
func fullName(arn, kind string) string {
	_, name, _ := strings.Cut(arn, ":"+kind)
	return strings.TrimPrefix(name, "/")
}

// loadBalancer is AWS::ElasticLoadBalancingV2::LoadBalancer.
type loadBalancer struct{}

var loadBalancerSchema = &Schema{
	Type: "AWS::ElasticLoadBalancingV2::LoadBalancer", Name: "Name",
	Properties: Properties{
		"Name": String.Replaces(), "Scheme": String.Replaces(), "Type": String.Replaces(), "IpAddressType": String, "SecurityGroups": Strings, "Subnets": Strings,
		"SubnetMappings": ListOf(Object(Properties{"SubnetId": String.Required(), "AllocationId": String, "PrivateIPv4Address": String, "IPv6Address": String})), "LoadBalancerAttributes": keyValues, "Tags": Tags,
	},
	Attributes: []string{"CanonicalHostedZoneID", "DNSName", "LoadBalancerArn", "LoadBalancerFullName", "LoadBalancerName", "SecurityGroups"},
}

// Schema is the type's schema.
func (loadBalancer) Schema() *Schema { return loadBalancerSchema }

// Create makes the load balancer and waits until it is active. The same request
// again finds the same one.
func (loadBalancer) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		in := &elbv2api.CreateLoadBalancerInput{Tags: elbTags(append(r.own(), r.allTags(r.Properties.Get("Tags"))...))}
		if err := bind(r.Properties, in, "Tags", "LoadBalancerAttributes"); err != nil {
			return Result{}, err
		}
		in.Name = r.elbName()
		out, err := r.elb().CreateLoadBalancer(ctx, in)
		if err != nil {
			return Result{}, err
		}
		r.PhysicalID = out.LoadBalancers[0].LoadBalancerArn
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	if err := r.setBalancerAttributes(ctx); err != nil {
		return Result{}, err
	}
	return r.balancerReady(ctx)
}

func (r *Request) setBalancerAttributes(ctx context.Context) error {
	in := &elbv2api.ModifyLoadBalancerAttributesInput{LoadBalancerArn: r.PhysicalID}
	for _, item := range items(r.Properties.Get("LoadBalancerAttributes")) {
		in.Attributes = append(in.Attributes, elbv2api.LoadBalancerAttribute{Key: item.Get("Key").Str(), Value: item.Get("Value").Str()})
	}
	if len(in.Attributes) == 0 {
		return nil
	}
	_, err := r.elb().ModifyLoadBalancerAttributes(ctx, in)
	return err
}

func (r *Request) balancerReady(ctx context.Context) (Result, error) {
	var b elbv2api.LoadBalancer
	err := r.Wait(ctx, func(ctx context.Context) (bool, error) {
		out, err := r.elb().DescribeLoadBalancers(ctx, &elbv2api.DescribeLoadBalancersInput{LoadBalancerArns: []string{r.PhysicalID}})
		if err != nil {
			return false, err
		}
		b = out.LoadBalancers[0]
		return b.State.Code == elbv2api.LoadBalancerStateEnumActive, nil
	})
	if err != nil {
		return Result{}, err
	}
	all := attributes("CanonicalHostedZoneID", b.CanonicalHostedZoneId, "DNSName", b.DNSName, "LoadBalancerArn", r.PhysicalID,
		"LoadBalancerFullName", fullName(r.PhysicalID, "loadbalancer"), "LoadBalancerName", b.LoadBalancerName)
	addList(all, "SecurityGroups", b.SecurityGroups)
	return Result{PhysicalID: r.PhysicalID, Attributes: all}, nil
}

// Update changes subnets, groups, attributes and tags.
func (loadBalancer) Update(ctx context.Context, r *Request) (Result, error) {
	if r.Changed("Subnets") || r.Changed("SubnetMappings") {
		in := &elbv2api.SetSubnetsInput{LoadBalancerArn: r.PhysicalID, Subnets: list(r.Properties.Get("Subnets"))}
		for _, m := range items(r.Properties.Get("SubnetMappings")) {
			var mapping elbv2api.SubnetMapping
			if err := bind(m, &mapping); err != nil {
				return Result{}, err
			}
			in.SubnetMappings = append(in.SubnetMappings, mapping)
		}
		if _, err := r.elb().SetSubnets(ctx, in); err != nil {
			return Result{}, err
		}
	}
	if r.Changed("SecurityGroups") {
		if _, err := r.elb().SetSecurityGroups(ctx, &elbv2api.SetSecurityGroupsInput{LoadBalancerArn: r.PhysicalID, SecurityGroups: list(r.Properties.Get("SecurityGroups"))}); err != nil {
			return Result{}, err
		}
	}
	if r.Changed("IpAddressType") {
		if _, err := r.elb().SetIpAddressType(ctx, &elbv2api.SetIpAddressTypeInput{LoadBalancerArn: r.PhysicalID, IpAddressType: elbv2api.IpAddressType(r.Or("IpAddressType", "ipv4"))}); err != nil {
			return Result{}, err
		}
	}
	if r.Changed("LoadBalancerAttributes") {
		if err := r.setBalancerAttributes(ctx); err != nil {
			return Result{}, err
		}
	}
	if err := r.elbRetag(ctx); err != nil {
		return Result{}, err
	}
	return r.balancerReady(ctx)
}

// Delete deletes the load balancer.
func (loadBalancer) Delete(ctx context.Context, r *Request) error {
	_, err := r.elb().DeleteLoadBalancer(ctx, &elbv2api.DeleteLoadBalancerInput{LoadBalancerArn: r.PhysicalID})
	return gone(err, "LoadBalancerNotFound")
}

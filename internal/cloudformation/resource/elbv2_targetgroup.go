package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/elbv2api"
)

// targetGroup is AWS::ElasticLoadBalancingV2::TargetGroup.
type targetGroup struct{}

var targetGroupSchema = &Schema{
	Type: "AWS::ElasticLoadBalancingV2::TargetGroup", Name: "Name",
	Properties: Properties{
		"Name": String.Replaces(), "Port": Integer.Replaces(), "Protocol": String.Replaces(), "ProtocolVersion": String.Replaces(), "VpcId": String.Replaces(), "TargetType": String.Replaces(),
		"IpAddressType": String.Replaces(), "HealthCheckEnabled": Boolean, "HealthCheckIntervalSeconds": Integer, "HealthCheckPath": String, "HealthCheckPort": String, "HealthCheckProtocol": String,
		"HealthCheckTimeoutSeconds": Integer, "HealthyThresholdCount": Integer, "UnhealthyThresholdCount": Integer, "Matcher": Object(Properties{"HttpCode": String, "GrpcCode": String}),
		"TargetGroupAttributes": keyValues, "Targets": ListOf(Object(Properties{"Id": String.Required(), "Port": Integer, "AvailabilityZone": String})), "Tags": Tags,
	},
	Attributes: []string{"LoadBalancerArns", "TargetGroupArn", "TargetGroupFullName", "TargetGroupName"},
}

// Schema is the type's schema.
func (targetGroup) Schema() *Schema { return targetGroupSchema }

// Create makes the target group with its attributes and targets. The same request
// again finds the same one.
func (targetGroup) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		in := &elbv2api.CreateTargetGroupInput{Tags: elbTags(append(r.own(), r.allTags(r.Properties.Get("Tags"))...))}
		if err := bind(r.Properties, in, "Tags", "TargetGroupAttributes", "Targets"); err != nil {
			return Result{}, err
		}
		in.Name = r.elbName()
		out, err := r.elb().CreateTargetGroup(ctx, in)
		if err != nil {
			return Result{}, err
		}
		r.PhysicalID = out.TargetGroups[0].TargetGroupArn
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	if err := r.setGroupAttributes(ctx); err != nil {
		return Result{}, err
	}
	wanted, err := r.groupTargets(true)
	if err != nil {
		return Result{}, err
	}
	if len(wanted) > 0 {
		if _, err := r.elb().RegisterTargets(ctx, &elbv2api.RegisterTargetsInput{TargetGroupArn: r.PhysicalID, Targets: wanted}); err != nil {
			return Result{}, err
		}
	}
	return r.groupResult(ctx)
}

// groupTargets are the targets of the properties as they shall be, or as they are.
func (r *Request) groupTargets(wanted bool) ([]elbv2api.TargetDescription, error) {
	properties := r.Properties
	if !wanted {
		properties = r.Previous
	}
	var out []elbv2api.TargetDescription
	for _, item := range items(properties.Get("Targets")) {
		var d elbv2api.TargetDescription
		if err := bind(item, &d); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

func (r *Request) setGroupAttributes(ctx context.Context) error {
	in := &elbv2api.ModifyTargetGroupAttributesInput{TargetGroupArn: r.PhysicalID}
	for _, item := range items(r.Properties.Get("TargetGroupAttributes")) {
		in.Attributes = append(in.Attributes, elbv2api.TargetGroupAttribute{Key: item.Get("Key").Str(), Value: item.Get("Value").Str()})
	}
	if len(in.Attributes) == 0 {
		return nil
	}
	_, err := r.elb().ModifyTargetGroupAttributes(ctx, in)
	return err
}

func (r *Request) groupResult(ctx context.Context) (Result, error) {
	out, err := r.elb().DescribeTargetGroups(ctx, &elbv2api.DescribeTargetGroupsInput{TargetGroupArns: []string{r.PhysicalID}})
	if err != nil {
		return Result{}, err
	}
	g := out.TargetGroups[0]
	all := attributes("TargetGroupArn", r.PhysicalID, "TargetGroupFullName", "targetgroup/"+fullName(r.PhysicalID, "targetgroup"), "TargetGroupName", g.TargetGroupName)
	addList(all, "LoadBalancerArns", g.LoadBalancerArns)
	return Result{PhysicalID: r.PhysicalID, Attributes: all}, nil
}

// Update changes health checks, attributes, targets and tags.
func (targetGroup) Update(ctx context.Context, r *Request) (Result, error) {
	in := &elbv2api.ModifyTargetGroupInput{TargetGroupArn: r.PhysicalID}
	changed := false
	var others []string
	for _, e := range r.Properties.Entries {
		switch e.Key {
		case "HealthCheckEnabled", "HealthCheckIntervalSeconds", "HealthCheckPath", "HealthCheckPort", "HealthCheckProtocol", "HealthCheckTimeoutSeconds", "HealthyThresholdCount", "UnhealthyThresholdCount", "Matcher":
			changed = changed || r.Changed(e.Key)
		default:
			others = append(others, e.Key)
		}
	}
	if changed {
		if err := bind(r.Properties, in, others...); err != nil {
			return Result{}, err
		}
		if _, err := r.elb().ModifyTargetGroup(ctx, in); err != nil {
			return Result{}, err
		}
	}
	if r.Changed("TargetGroupAttributes") {
		if err := r.setGroupAttributes(ctx); err != nil {
			return Result{}, err
		}
	}
	if r.Changed("Targets") {
		if err := r.changeTargets(ctx); err != nil {
			return Result{}, err
		}
	}
	if err := r.elbRetag(ctx); err != nil {
		return Result{}, err
	}
	return r.groupResult(ctx)
}

func (r *Request) changeTargets(ctx context.Context) error {
	wanted, err := r.groupTargets(true)
	if err != nil {
		return err
	}
	before, err := r.groupTargets(false)
	if err != nil {
		return err
	}
	same := func(a, b elbv2api.TargetDescription) bool {
		return a.Id == b.Id && a.AvailabilityZone == b.AvailabilityZone && (a.Port == nil) == (b.Port == nil) && (a.Port == nil || *a.Port == *b.Port)
	}
	left := func(all, of []elbv2api.TargetDescription) []elbv2api.TargetDescription {
		var out []elbv2api.TargetDescription
	next:
		for _, a := range all {
			for _, b := range of {
				if same(a, b) {
					continue next
				}
			}
			out = append(out, a)
		}
		return out
	}
	if more := left(wanted, before); len(more) > 0 {
		if _, err := r.elb().RegisterTargets(ctx, &elbv2api.RegisterTargetsInput{TargetGroupArn: r.PhysicalID, Targets: more}); err != nil {
			return err
		}
	}
	if less := left(before, wanted); len(less) > 0 {
		if _, err := r.elb().DeregisterTargets(ctx, &elbv2api.DeregisterTargetsInput{TargetGroupArn: r.PhysicalID, Targets: less}); err != nil {
			return err
		}
	}
	return nil
}

// Delete deletes the target group.
func (targetGroup) Delete(ctx context.Context, r *Request) error {
	_, err := r.elb().DeleteTargetGroup(ctx, &elbv2api.DeleteTargetGroupInput{TargetGroupArn: r.PhysicalID})
	return gone(err, "TargetGroupNotFound")
}

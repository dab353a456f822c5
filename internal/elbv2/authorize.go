package elbv2

import (
	"reflect"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// Authorization is which permission each operation needs:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html
func (s *Service) Authorization() authorize.Service {
	rules := map[string][]authorize.Rule{}
	for operation := range elbv2api.Model.Operations {
		rule := authorize.Rule{Action: "elasticloadbalancing:" + operation, Conditions: conditionKeys}
		if !strings.HasPrefix(operation, "Describe") { // which knows no single resources
			rule.Resources = resources
		}
		rules[operation] = []authorize.Rule{rule}
	}
	authorize.TagOnCreate(rules, "elasticloadbalancing:AddTags", "elasticloadbalancing:CreateAction", nil, "CreateLoadBalancer", "CreateTargetGroup", "CreateListener", "CreateRule", "CreateTrustStore")
	return authorize.Service{Rules: rules, ResourceTags: s.resourceTags}
}

// resources are the ARNs of what a request makes or changes.
func resources(id caller.Identity, in any) []string {
	one := func(resource string) []string {
		return []string{arn.Format("elasticloadbalancing", id.Region, id.Account, resource)}
	}
	switch in := in.(type) {
	case *elbv2api.CreateLoadBalancerInput:
		kind := "app"
		if in.Type == elbv2api.LoadBalancerTypeEnumNetwork {
			kind = "net"
		}
		return one("loadbalancer/" + kind + "/" + in.Name + "/*")
	case *elbv2api.CreateTargetGroupInput:
		return one("targetgroup/" + in.Name + "/*")
	case *elbv2api.CreateTrustStoreInput:
		return one("truststore/" + in.Name + "/*")
	case *elbv2api.SetRulePrioritiesInput:
		var out []string
		for _, pair := range in.RulePriorities {
			out = append(out, pair.RuleArn)
		}
		return valid(out)
	case *elbv2api.AddTagsInput:
		return valid(in.ResourceArns)
	case *elbv2api.RemoveTagsInput:
		return valid(in.ResourceArns)
	}
	v := reflect.ValueOf(in).Elem()
	for _, field := range []string{"LoadBalancerArn", "ListenerArn", "RuleArn", "TargetGroupArn", "TrustStoreArn"} {
		if f := v.FieldByName(field); f.IsValid() && f.String() != "" {
			return valid([]string{f.String()})
		}
	}
	return nil
}

// valid leaves out what is no ARN; the handler says so.
func valid(arns []string) []string {
	return slices.DeleteFunc(slices.Clone(arns), func(a string) bool { return !arn.Is(a) })
}

// conditionKeys are the tags of a request and what it says of a load balancer.
func conditionKeys(_ caller.Identity, in any) map[string][]string {
	out := map[string][]string{}
	set := func(key string, values ...string) {
		if len(values) > 0 && values[0] != "" {
			out["elasticloadbalancing:"+key] = values
		}
	}
	v := reflect.ValueOf(in).Elem()
	if f := v.FieldByName("Tags"); f.IsValid() {
		var keys []string
		for _, t := range f.Interface().([]elbv2api.Tag) {
			out["aws:RequestTag/"+t.Key] = []string{t.Value}
			keys = append(keys, t.Key)
		}
		if len(keys) > 0 {
			out["aws:TagKeys"] = keys
		}
	}
	switch in := in.(type) {
	case *elbv2api.RemoveTagsInput:
		if len(in.TagKeys) > 0 {
			out["aws:TagKeys"] = in.TagKeys
		}
	case *elbv2api.CreateLoadBalancerInput:
		set("Scheme", string(in.Scheme))
		set("SecurityGroup", in.SecurityGroups...)
		set("Subnet", in.Subnets...)
	case *elbv2api.SetSecurityGroupsInput:
		set("SecurityGroup", in.SecurityGroups...)
	case *elbv2api.SetSubnetsInput:
		set("Subnet", in.Subnets...)
	case *elbv2api.CreateListenerInput:
		set("ListenerProtocol", string(in.Protocol))
		set("SecurityPolicy", in.SslPolicy)
	case *elbv2api.ModifyListenerInput:
		set("ListenerProtocol", string(in.Protocol))
		set("SecurityPolicy", in.SslPolicy)
	}
	return out
}

// resourceTags are the tags of the resource with an ARN.
func (s *Service) resourceTags(id caller.Identity, resource string) map[string]string {
	q := scope{s.DB.Read(), id.Account, id.Region}
	tags, _, err := q.tagged(resource)
	if err != nil {
		return nil
	}
	return state.TagMap(tags)
}

package route53

import (
	"reflect"
	"strings"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// Authorization is which permission each operation needs:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonroute53.html
func (s *Service) Authorization() authorize.Service {
	rules := map[string][]authorize.Rule{}
	for operation := range route53api.Model.Operations {
		rules[operation] = []authorize.Rule{{Action: "route53:" + operation, Resources: resourceOf, Conditions: conditions}}
	}
	for _, operation := range []string{"ListHostedZones", "ListHostedZonesByName", "ListHostedZonesByVPC", "GetCheckerIpRanges", "GetHealthCheckCount", "ListHealthChecks", "CreateHealthCheck"} { // of no zone, whatever they begin with
		rules[operation] = []authorize.Rule{{Action: "route53:" + operation}}
	}
	rules["GetChange"] = []authorize.Rule{{Action: "route53:GetChange", Resources: func(_ caller.Identity, in any) []string {
		return []string{"arn:aws:route53:::change/" + bare(in.(*route53api.GetChangeRequest).Id)}
	}}}
	rules["ListTagsForResources"] = []authorize.Rule{{Action: "route53:ListTagsForResources", Resources: func(_ caller.Identity, in any) []string {
		var all []string
		asked := in.(*route53api.ListTagsForResourcesRequest)
		for _, id := range asked.ResourceIds {
			all = append(all, taggedARN(asked.ResourceType, id))
		}
		return all
	}}}
	return authorize.Service{Rules: rules, ResourceTags: s.resourceTags}
}

func zoneARN(id string) string { return "arn:aws:route53:::hostedzone/" + bare(id) }

func checkARN(id string) string { return "arn:aws:route53:::healthcheck/" + bare(id) }

func taggedARN(kind route53api.TagResourceType, id string) string {
	if kind == route53api.TagResourceTypeHealthcheck {
		return checkARN(id)
	}
	return zoneARN(id)
}

// resourceOf is the zone or the health check of a request.
func resourceOf(_ caller.Identity, in any) []string {
	switch in := in.(type) {
	case *route53api.ChangeTagsForResourceRequest:
		return []string{taggedARN(in.ResourceType, in.ResourceId)}
	case *route53api.ListTagsForResourceRequest:
		return []string{taggedARN(in.ResourceType, in.ResourceId)}
	}
	if f := reflect.ValueOf(in).Elem().FieldByName("HealthCheckId"); f.IsValid() && f.String() != "" {
		return []string{checkARN(f.String())}
	}
	for _, name := range []string{"HostedZoneId", "Id"} {
		if f := reflect.ValueOf(in).Elem().FieldByName(name); f.IsValid() && f.String() != "" {
			return []string{zoneARN(f.String())}
		}
	}
	return nil
}

func (s *Service) resourceTags(id caller.Identity, resource string) map[string]string {
	if strings.Contains(resource, ":healthcheck/") {
		if h, ok := state.DNSHealthChecks.Get(s.DB.Read(), state.DNSHealthCheckKey(id.Account, bare(resource))); ok {
			return state.TagMap(h.Tags)
		}
		return nil
	}
	z, ok := state.HostedZones.Get(s.DB.Read(), state.HostedZoneKey(id.Account, bare(resource)))
	if !ok {
		return nil
	}
	return state.TagMap(z.Tags)
}

func conditions(_ caller.Identity, in any) map[string][]string {
	out := map[string][]string{}
	add := func(key, value string) { out[key] = append(out[key], value) }
	vpc := func(v *route53api.VPC) {
		if v != nil {
			add("route53:VPCs", "VPCId="+v.VPCId+",VPCRegion="+string(v.VPCRegion))
		}
	}
	switch in := in.(type) {
	case *route53api.ChangeResourceRecordSetsRequest:
		if in.ChangeBatch == nil {
			return nil
		}
		for _, c := range in.ChangeBatch.Changes {
			add("route53:ChangeResourceRecordSetsActions", string(c.Action))
			if r := c.ResourceRecordSet; r != nil {
				add("route53:ChangeResourceRecordSetsNormalizedRecordNames", strings.TrimSuffix(normal(r.Name), "."))
				add("route53:ChangeResourceRecordSetsRecordTypes", string(r.Type))
			}
		}
	case *route53api.CreateHostedZoneRequest:
		vpc(in.VPC)
	case *route53api.AssociateVPCWithHostedZoneRequest:
		vpc(in.VPC)
	case *route53api.DisassociateVPCFromHostedZoneRequest:
		vpc(in.VPC)
	case *route53api.ChangeTagsForResourceRequest:
		for _, t := range in.AddTags {
			out["aws:RequestTag/"+t.Key] = []string{t.Value}
			add("aws:TagKeys", t.Key)
		}
		for _, key := range in.RemoveTagKeys {
			add("aws:TagKeys", key)
		}
	}
	return out
}

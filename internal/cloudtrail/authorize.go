package cloudtrail

import (
	"reflect"
	"strings"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/cloudtrailapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// Authorization is which permission each operation needs:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudtrail.html
func (s *Service) Authorization() authorize.Service {
	rules := map[string][]authorize.Rule{}
	for operation := range cloudtrailapi.Model.Operations {
		rules[operation] = []authorize.Rule{{Action: "cloudtrail:" + operation, Resources: trailOf, Conditions: s.conditions}}
	}
	for _, operation := range []string{"DescribeTrails", "ListTrails", "LookupEvents"} {
		rules[operation] = []authorize.Rule{{Action: "cloudtrail:" + operation}}
	}
	authorize.TagOnCreate(rules, "cloudtrail:AddTags", "", nil, "CreateTrail")
	return authorize.Service{Rules: rules}
}

// trailOf names the trails of a request; inputs call them by different names.
func trailOf(id caller.Identity, in any) []string {
	if in, ok := in.(*cloudtrailapi.ListTagsRequest); ok {
		var all []string
		for _, resource := range in.ResourceIdList {
			all = append(all, trailARN(id, resource))
		}
		return all
	}
	v := reflect.ValueOf(in).Elem()
	for _, field := range []string{"Name", "TrailName", "ResourceId"} {
		if f := v.FieldByName(field); f.IsValid() && f.String() != "" {
			return []string{trailARN(id, f.String())}
		}
	}
	return nil
}

// trailARN is the ARN of a trail that is given by it or by its name.
func trailARN(id caller.Identity, trail string) string {
	if strings.HasPrefix(trail, "arn:") {
		return trail
	}
	return arn.Format("cloudtrail", id.Region, id.Account, "trail/"+trail)
}

func (s *Service) conditions(id caller.Identity, in any) map[string][]string {
	out := map[string][]string{}
	var tags []cloudtrailapi.Tag
	switch in := in.(type) {
	case *cloudtrailapi.CreateTrailRequest:
		tags = in.TagsList
	case *cloudtrailapi.AddTagsRequest:
		tags = in.TagsList
	case *cloudtrailapi.RemoveTagsRequest:
		for _, tag := range in.TagsList {
			out["aws:TagKeys"] = append(out["aws:TagKeys"], tag.Key)
		}
	}
	for _, tag := range tags {
		out["aws:RequestTag/"+tag.Key] = []string{tag.Value}
		out["aws:TagKeys"] = append(out["aws:TagKeys"], tag.Key)
	}
	for _, resource := range trailOf(id, in) {
		a, _ := arn.Parse(resource)
		t, ok := state.Trails.Get(s.DB.Read(), state.Key(id.Account, a.Region, strings.TrimPrefix(a.Resource, "trail/")))
		if !ok {
			continue
		}
		for _, tag := range t.Tags {
			out["aws:ResourceTag/"+tag.Key] = []string{tag.Value}
		}
	}
	return out
}

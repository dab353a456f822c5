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
	return authorize.Service{Rules: rules}
}

// trailOf names the trails of a request; inputs call them by different names.
func trailOf(id caller.Identity, in any) []string {
	if in, ok := in.(*cloudtrailapi.ListTagsRequest); ok {
		return in.ResourceIdList
	}
	v := reflect.ValueOf(in).Elem()
	for _, field := range []string{"Name", "TrailName", "ResourceId"} {
		if f := v.FieldByName(field); f.IsValid() && f.String() != "" {
			if strings.HasPrefix(f.String(), "arn:") {
				return []string{f.String()}
			}
			return []string{arn.Format("cloudtrail", id.Region, id.Account, "trail/"+f.String())}
		}
	}
	return nil
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

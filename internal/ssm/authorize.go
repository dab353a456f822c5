package ssm

import (
	"strings"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// Authorization is which permission each operation needs.
func (s *Service) Authorization() authorize.Service {
	rules := map[string][]authorize.Rule{}
	for operation := range ssmapi.Model.Operations {
		rules[operation] = []authorize.Rule{{Action: "ssm:" + operation, Resources: resources, Conditions: s.conditions}}
	}
	authorize.TagOnCreate(rules, "ssm:AddTagsToResource", "", nil, "PutParameter")
	rules["DescribeParameters"] = []authorize.Rule{{Action: "ssm:DescribeParameters"}}
	return authorize.Service{Rules: rules, ResourceTags: s.resourceTags}
}

// resourceTags are the tags of the parameter with an ARN.
func (s *Service) resourceTags(id caller.Identity, resource string) map[string]string {
	p, _, _, err := s.selected(s.db.Read(), id, resource)
	if err != nil {
		return nil
	}
	return state.TagMap(p.Tags)
}

// names lists the parameters that a request names.
func names(in any) []string {
	switch in := in.(type) {
	case *ssmapi.PutParameterRequest:
		return []string{in.Name}
	case *ssmapi.GetParameterRequest:
		return []string{in.Name}
	case *ssmapi.GetParametersRequest:
		return in.Names
	case *ssmapi.GetParametersByPathRequest:
		return []string{in.Path}
	case *ssmapi.GetParameterHistoryRequest:
		return []string{in.Name}
	case *ssmapi.DeleteParameterRequest:
		return []string{in.Name}
	case *ssmapi.DeleteParametersRequest:
		return in.Names
	case *ssmapi.LabelParameterVersionRequest:
		return []string{in.Name}
	case *ssmapi.UnlabelParameterVersionRequest:
		return []string{in.Name}
	case *ssmapi.AddTagsToResourceRequest:
		return []string{in.ResourceId}
	case *ssmapi.RemoveTagsFromResourceRequest:
		return []string{in.ResourceId}
	case *ssmapi.ListTagsForResourceRequest:
		return []string{in.ResourceId}
	}
	return nil
}

// resources are the ARNs of a request's parameters, without selectors.
func resources(id caller.Identity, in any) []string {
	var out []string
	for _, name := range names(in) {
		if a, err := arn.Parse(name); err == nil {
			a.Resource, _, _ = strings.Cut(a.Resource, ":")
			out = append(out, a.String())
			continue
		}
		name, _, _ = strings.Cut(name, ":")
		if name != "/" {
			name = strings.TrimSuffix(name, "/")
		}
		out = append(out, state.ParameterARN(id.Account, id.Region, name))
	}
	return out
}

// conditions are the tags of the parameter and of the request.
func (s *Service) conditions(id caller.Identity, in any) map[string][]string {
	out := map[string][]string{}
	var keys []string
	add := func(tags []ssmapi.Tag) {
		for _, t := range tags {
			out["aws:RequestTag/"+t.Key] = []string{t.Value}
			keys = append(keys, t.Key)
		}
	}
	switch in := in.(type) {
	case *ssmapi.PutParameterRequest:
		add(in.Tags)
		if in.Overwrite != nil && *in.Overwrite {
			out["ssm:Overwrite"] = []string{"true"}
		}
	case *ssmapi.AddTagsToResourceRequest:
		add(in.Tags)
	case *ssmapi.RemoveTagsFromResourceRequest:
		keys = in.TagKeys
	case *ssmapi.GetParametersByPathRequest:
		if in.Recursive != nil && *in.Recursive {
			out["ssm:Recursive"] = []string{"true"}
		}
	}
	if len(keys) > 0 {
		out["aws:TagKeys"] = keys
	}
	if list := names(in); len(list) == 1 {
		if p, _, _, err := s.selected(s.db.Read(), id, list[0]); err == nil {
			for _, t := range p.Tags {
				out["aws:ResourceTag/"+t.Key] = []string{t.Value}
				out["ssm:resourceTag/"+t.Key] = []string{t.Value}
			}
		}
	}
	return out
}

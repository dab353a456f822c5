package ecr

import (
	"context"
	"reflect"
	"slices"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// Authorization is which permission each operation needs.
func (s *Service) Authorization() authorize.Service {
	rules := map[string][]authorize.Rule{
		"GetAuthorizationToken": {{Action: "ecr:GetAuthorizationToken"}},
		"DescribeRegistry":      {{Action: "ecr:DescribeRegistry"}},
		"CreateRepository":      {{Action: "ecr:CreateRepository", Resources: repositories, Conditions: requestTags}},
		"TagResource":           {{Action: "ecr:TagResource", Resources: repositories, Conditions: requestTags}},
		"UntagResource":         {{Action: "ecr:UntagResource", Resources: repositories, Conditions: requestTags}},
	}
	for _, operation := range []string{
		"BatchCheckLayerAvailability", "BatchDeleteImage", "BatchGetImage", "CompleteLayerUpload", "DeleteLifecyclePolicy",
		"DeleteRepository", "DeleteRepositoryPolicy", "DescribeImages", "DescribeRepositories", "GetDownloadUrlForLayer",
		"GetLifecyclePolicy", "GetRepositoryPolicy", "InitiateLayerUpload", "ListImages", "ListTagsForResource", "PutImage",
		"PutImageScanningConfiguration", "PutImageTagMutability", "PutLifecyclePolicy", "SetRepositoryPolicy", "UploadLayerPart",
	} {
		rules[operation] = []authorize.Rule{{Action: "ecr:" + operation, Resources: repositories, Conditions: s.resourceTags}}
	}
	authorize.TagOnCreate(rules, "ecr:TagResource", "", nil, "CreateRepository")
	return authorize.Service{Rules: rules, ResourcePolicy: s.resourcePolicy}
}

func (s *Service) resourcePolicy(_ context.Context, resource string) (document, owner string, ok bool) {
	sc, name, err := parseARN(resource)
	if err != nil {
		return "", "", false
	}
	r, found := state.Repositories.Get(s.DB.Read(), sc.key(name))
	if !found {
		return "", sc.account, false
	}
	return r.Policy, r.Account, r.Policy != ""
}

// repositories names the repositories of a request. All inputs have the same
// members for them.
func repositories(id caller.Identity, in any) []string {
	v := reflect.ValueOf(in).Elem()
	if f := v.FieldByName("ResourceArn"); f.IsValid() {
		return []string{f.String()}
	}
	sc := scope{id.Account, id.Region}
	if f := v.FieldByName("RegistryId"); f.IsValid() && f.String() != "" {
		sc.account = f.String()
	}
	if f := v.FieldByName("RepositoryName"); f.IsValid() {
		return []string{sc.arn(f.String())}
	}
	var out []string
	if f, ok := in.(*ecrapi.DescribeRepositoriesRequest); ok {
		for _, name := range f.RepositoryNames {
			out = append(out, sc.arn(name))
		}
	}
	if out == nil {
		out = []string{sc.arn("*")}
	}
	return out
}

// resourceTags are the tags of the repository of a request.
func (s *Service) resourceTags(id caller.Identity, in any) map[string][]string {
	arns := repositories(id, in)
	if len(arns) != 1 {
		return nil
	}
	sc, name, err := parseARN(arns[0])
	if err != nil {
		return nil
	}
	return s.conditions(sc, name)
}

func (s *Service) conditions(sc scope, repository string) map[string][]string {
	out := map[string][]string{}
	if r, ok := state.Repositories.Get(s.DB.Read(), sc.key(repository)); ok {
		for _, t := range r.Tags {
			out["aws:ResourceTag/"+t.Key] = []string{t.Value}
			out["ecr:ResourceTag/"+t.Key] = []string{t.Value}
		}
	}
	return out
}

func requestTags(_ caller.Identity, in any) map[string][]string {
	out := map[string][]string{}
	var keys []string
	add := func(tags []ecrapi.Tag) {
		for _, t := range tags {
			out["aws:RequestTag/"+t.Key] = []string{t.Value}
			keys = append(keys, t.Key)
		}
	}
	switch in := in.(type) {
	case *ecrapi.CreateRepositoryRequest:
		add(in.Tags)
	case *ecrapi.TagResourceRequest:
		add(in.Tags)
	case *ecrapi.UntagResourceRequest:
		keys = slices.Clone(in.TagKeys)
	}
	if len(keys) > 0 {
		out["aws:TagKeys"] = keys
	}
	return out
}

package cloudformation

import (
	"strings"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// Authorization is the table of permissions of the CloudFormation API.
func (s *Service) Authorization() authorize.Service {
	on := func(name func(any) string) func(caller.Identity, any) []string {
		return func(id caller.Identity, in any) []string { return []string{stackARN(id, name(in))} }
	}
	rules := map[string][]authorize.Rule{}
	for operation, name := range stackNames {
		rules[operation] = []authorize.Rule{{Action: "cloudformation:" + operation, Resources: on(name), Conditions: conditions}}
	}
	for _, operation := range []string{"ListStacks", "ListExports", "ListImports", "ValidateTemplate"} {
		rules[operation] = []authorize.Rule{{Action: "cloudformation:" + operation}}
	}
	return authorize.Service{Rules: rules, ResourceTags: s.resourceTags}
}

// resourceTags are the tags of the stack that an ARN of stackARN means: of the
// one that is there under the name.
func (s *Service) resourceTags(id caller.Identity, resource string) map[string]string {
	_, path, ok := strings.Cut(resource, ":stack/")
	if !ok {
		return nil
	}
	name, stackID, _ := strings.Cut(path, "/")
	out := map[string]string{}
	for stack := range state.Stacks.By(s.db.Read(), "name", state.Key(id.Account, id.Region, name)) {
		if stackID == "*" || stack.ID == resource {
			for _, t := range stack.Config.Tags {
				out[t.Key] = t.Value
			}
		}
	}
	return out
}

// stackNames says where each operation's input names its stack.
var stackNames = map[string]func(any) string{
	"CreateStack":         func(in any) string { return in.(*cloudformationapi.CreateStackInput).StackName },
	"UpdateStack":         func(in any) string { return in.(*cloudformationapi.UpdateStackInput).StackName },
	"DeleteStack":         func(in any) string { return in.(*cloudformationapi.DeleteStackInput).StackName },
	"DescribeStacks":      func(in any) string { return in.(*cloudformationapi.DescribeStacksInput).StackName },
	"DescribeStackEvents": func(in any) string { return in.(*cloudformationapi.DescribeStackEventsInput).StackName },
	"DescribeStackResource": func(in any) string {
		return in.(*cloudformationapi.DescribeStackResourceInput).StackName
	},
	"DescribeStackResources": func(in any) string {
		return in.(*cloudformationapi.DescribeStackResourcesInput).StackName
	},
	"ListStackResources": func(in any) string { return in.(*cloudformationapi.ListStackResourcesInput).StackName },
	"GetTemplate": func(in any) string {
		t := in.(*cloudformationapi.GetTemplateInput)
		return t.StackName
	},
	"GetTemplateSummary": func(in any) string { return in.(*cloudformationapi.GetTemplateSummaryInput).StackName },
	"CreateChangeSet":    func(in any) string { return in.(*cloudformationapi.CreateChangeSetInput).StackName },
	"DescribeChangeSet":  func(in any) string { return in.(*cloudformationapi.DescribeChangeSetInput).StackName },
	"ExecuteChangeSet":   func(in any) string { return in.(*cloudformationapi.ExecuteChangeSetInput).StackName },
	"DeleteChangeSet":    func(in any) string { return in.(*cloudformationapi.DeleteChangeSetInput).StackName },
	"ListChangeSets":     func(in any) string { return in.(*cloudformationapi.ListChangeSetsInput).StackName },
	"CancelUpdateStack":  func(in any) string { return in.(*cloudformationapi.CancelUpdateStackInput).StackName },
	"ContinueUpdateRollback": func(in any) string {
		return in.(*cloudformationapi.ContinueUpdateRollbackInput).StackName
	},
	"RollbackStack":  func(in any) string { return in.(*cloudformationapi.RollbackStackInput).StackName },
	"GetStackPolicy": func(in any) string { return in.(*cloudformationapi.GetStackPolicyInput).StackName },
	"SetStackPolicy": func(in any) string { return in.(*cloudformationapi.SetStackPolicyInput).StackName },
	"UpdateTerminationProtection": func(in any) string {
		return in.(*cloudformationapi.UpdateTerminationProtectionInput).StackName
	},
}

// stackARN is the ARN that policies are matched against: a name stands for all
// stacks of that name, no name for all stacks.
func stackARN(id caller.Identity, name string) string {
	switch {
	case strings.HasPrefix(name, "arn:"):
		return name
	case name == "":
		name = "*"
	}
	return "arn:aws:cloudformation:" + id.Region + ":" + id.Account + ":stack/" + name + "/*"
}

// conditions are the service's condition keys of a request.
func conditions(_ caller.Identity, in any) map[string][]string {
	keys := map[string][]string{}
	set := func(role, url string, tags []cloudformationapi.Tag) {
		if role != "" {
			keys["cloudformation:RoleArn"] = []string{role}
		}
		if url != "" {
			keys["cloudformation:TemplateUrl"] = []string{url}
		}
		for _, t := range tags {
			keys["aws:RequestTag/"+t.Key] = []string{t.Value}
			keys["aws:TagKeys"] = append(keys["aws:TagKeys"], t.Key)
		}
	}
	switch in := in.(type) {
	case *cloudformationapi.CreateStackInput:
		set(in.RoleARN, in.TemplateURL, in.Tags)
	case *cloudformationapi.UpdateStackInput:
		set(in.RoleARN, in.TemplateURL, in.Tags)
	case *cloudformationapi.CreateChangeSetInput:
		set(in.RoleARN, in.TemplateURL, in.Tags)
		keys["cloudformation:ChangeSetName"] = []string{in.ChangeSetName}
	case *cloudformationapi.DeleteStackInput:
		set(in.RoleARN, "", nil)
	case *cloudformationapi.ExecuteChangeSetInput:
		keys["cloudformation:ChangeSetName"] = []string{in.ChangeSetName}
	}
	return keys
}

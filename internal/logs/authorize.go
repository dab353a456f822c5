package logs

import (
	"maps"
	"reflect"
	"slices"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// Authorization is which permission each operation needs. CloudWatch Logs
// checks log groups as log-group:NAME:log-stream: and streams with their name
// behind it, which is why policies name log-group:NAME:*.
func (s *Service) Authorization() authorize.Service {
	rules := map[string][]authorize.Rule{}
	for operation := range logsapi.Model.Operations {
		rules[operation] = []authorize.Rule{{Action: "logs:" + operation, Resources: resources, Conditions: s.conditions}}
	}
	authorize.TagOnCreate(rules, "logs:TagResource", "", nil, "CreateLogGroup")
	return authorize.Service{Rules: rules}
}

// resources names what a request touches; all inputs have the same names for it.
func resources(id caller.Identity, in any) []string {
	v := reflect.ValueOf(in).Elem()
	text := func(field string) string {
		if f := v.FieldByName(field); f.IsValid() {
			return f.String()
		}
		return ""
	}
	if resource := text("ResourceArn"); resource != "" {
		return []string{resource}
	}
	group := text("LogGroupName")
	if group == "" {
		group = nameOf(text("LogGroupIdentifier"))
	}
	return []string{arn.Format("logs", id.Region, id.Account, "log-group:"+group+":log-stream:"+text("LogStreamName"))}
}

// conditions are the tags of the group and those that the request puts or takes.
func (s *Service) conditions(id caller.Identity, in any) map[string][]string {
	out := map[string][]string{}
	var tags map[string]string
	var keys []string
	group := ""
	switch in := in.(type) {
	case *logsapi.CreateLogGroupRequest:
		tags = in.Tags
	case *logsapi.TagResourceRequest:
		tags, group = in.Tags, nameOf(in.ResourceArn)
	case *logsapi.TagLogGroupRequest:
		tags, group = in.Tags, in.LogGroupName
	case *logsapi.UntagResourceRequest:
		keys, group = in.TagKeys, nameOf(in.ResourceArn)
	case *logsapi.UntagLogGroupRequest:
		keys, group = in.Tags, in.LogGroupName
	default:
		if f := reflect.ValueOf(in).Elem().FieldByName("LogGroupName"); f.IsValid() {
			group = f.String()
		}
	}
	for key, value := range tags {
		out["aws:RequestTag/"+key] = []string{value}
	}
	if keys = append(slices.Sorted(maps.Keys(tags)), keys...); len(keys) > 0 {
		out["aws:TagKeys"] = keys
	}
	if g, ok := state.LogGroups.Get(s.db.Read(), state.Key(id.Account, id.Region, group)); ok {
		for _, t := range g.Tags {
			out["aws:ResourceTag/"+t.Key] = []string{t.Value}
		}
	}
	return out
}

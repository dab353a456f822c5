package cloudwatch

import (
	"reflect"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// Authorization is which permission each operation needs:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
func (s *Service) Authorization() authorize.Service {
	rules := map[string][]authorize.Rule{}
	for operation := range cloudwatchapi.Model.Operations {
		rules[operation] = []authorize.Rule{{Action: "cloudwatch:" + operation, Resources: resources, Conditions: conditions}}
	}
	for _, operation := range []string{"PutMetricData", "GetMetricData", "GetMetricStatistics", "ListMetrics", "ListDashboards", "DescribeAlarmsForMetric"} {
		rules[operation][0].Resources = nil
	}
	authorize.TagOnCreate(rules, "cloudwatch:TagResource", "", nil, "PutMetricAlarm", "PutCompositeAlarm", "PutDashboard")
	return authorize.Service{Rules: rules, ResourceTags: s.resourceTags}
}

// resources are the ARNs of the alarms or dashboards of a request; one that names none
// is about all alarms.
func resources(id caller.Identity, in any) []string {
	v := reflect.ValueOf(in).Elem()
	text := func(name string) string {
		if f := v.FieldByName(name); f.IsValid() {
			return f.String()
		}
		return ""
	}
	list := func(name string) []string {
		if f := v.FieldByName(name); f.IsValid() {
			return f.Interface().([]string)
		}
		return nil
	}
	if resource := text("ResourceARN"); resource != "" {
		return []string{resource}
	}
	var out []string
	if name := text("AlarmName"); name != "" {
		out = append(out, state.AlarmARN(id.Account, id.Region, name))
	}
	for _, name := range list("AlarmNames") {
		out = append(out, state.AlarmARN(id.Account, id.Region, name))
	}
	if name := text("DashboardName"); name != "" {
		out = append(out, state.DashboardARN(id.Account, name))
	}
	for _, name := range list("DashboardNames") {
		out = append(out, state.DashboardARN(id.Account, name))
	}
	if len(out) == 0 {
		out = append(out, state.AlarmARN(id.Account, id.Region, "*"))
	}
	return out
}

func (s *Service) resourceTags(id caller.Identity, resource string) map[string]string {
	tags, _, err := tagged(s.DB.Read(), id, resource)
	if err != nil {
		return nil
	}
	return state.TagMap(tags)
}

func conditions(_ caller.Identity, in any) map[string][]string {
	out := map[string][]string{}
	tags := func(tags []cloudwatchapi.Tag) {
		for _, t := range tags {
			out["aws:RequestTag/"+t.Key] = []string{t.Value}
			out["aws:TagKeys"] = append(out["aws:TagKeys"], t.Key)
		}
	}
	actions := func(lists ...[]string) {
		for _, list := range lists {
			out["cloudwatch:AlarmActions"] = append(out["cloudwatch:AlarmActions"], list...)
		}
	}
	switch in := in.(type) {
	case *cloudwatchapi.PutMetricDataInput:
		out["cloudwatch:namespace"] = []string{in.Namespace}
	case *cloudwatchapi.PutMetricAlarmInput:
		tags(in.Tags)
		actions(in.AlarmActions, in.OKActions, in.InsufficientDataActions)
	case *cloudwatchapi.PutCompositeAlarmInput:
		tags(in.Tags)
		actions(in.AlarmActions, in.OKActions, in.InsufficientDataActions)
	case *cloudwatchapi.PutDashboardInput:
		tags(in.Tags)
	case *cloudwatchapi.TagResourceInput:
		tags(in.Tags)
	case *cloudwatchapi.UntagResourceInput:
		out["aws:TagKeys"] = in.TagKeys
	}
	return out
}

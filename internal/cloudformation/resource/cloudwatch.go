package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/state"
)

func (r *Request) watch() cloudwatchapi.API { return cloudwatchapi.NewClient(r.Invoker) }

func watchTags(tags []state.Tag) []cloudwatchapi.Tag {
	var out []cloudwatchapi.Tag
	for _, t := range tags {
		out = append(out, cloudwatchapi.Tag{Key: t.Key, Value: t.Value})
	}
	return out
}

// watchRetag brings the tags of an alarm or dashboard to what the template says.
func (r *Request) watchRetag(ctx context.Context, arn string) error {
	set, removed := r.tagChange()
	if len(set) > 0 {
		if _, err := r.watch().TagResource(ctx, &cloudwatchapi.TagResourceInput{ResourceARN: arn, Tags: watchTags(set)}); err != nil {
			return err
		}
	}
	if len(removed) > 0 {
		if _, err := r.watch().UntagResource(ctx, &cloudwatchapi.UntagResourceInput{ResourceARN: arn, TagKeys: removed}); err != nil {
			return err
		}
	}
	return nil
}

// alarm is AWS::CloudWatch::Alarm or CompositeAlarm. Actions are no properties: nothing
// could act yet.
type alarm struct{ schema *Schema }

var metricAlarm = alarm{alarmSchema("Alarm", Shape[cloudwatchapi.PutMetricAlarmInput](
	"AlarmActions", "OKActions", "InsufficientDataActions", "ThresholdMetricId", "EvaluationWindow", "WarmUpConfiguration", "EvaluationCriteria", "EvaluationInterval", "ActionConfiguration",
))}

var compositeAlarm = alarm{alarmSchema("CompositeAlarm", Shape[cloudwatchapi.PutCompositeAlarmInput](
	"AlarmActions", "OKActions", "InsufficientDataActions", "ActionsSuppressor", "ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod", "ActionConfiguration",
))}

func alarmSchema(kind string, shape Property) *Schema {
	s := &Schema{Type: "AWS::CloudWatch::" + kind, Properties: Properties{}, Attributes: []string{"Arn"}, Name: "AlarmName"}
	for name, p := range shape.Fields {
		s.Properties[name] = p
	}
	s.Properties["AlarmName"], s.Properties["Tags"] = String.Replaces(), Tags
	return s
}

// Schema is the type's schema.
func (t alarm) Schema() *Schema { return t.schema }

// Create makes the alarm, unless there is one of its name.
func (t alarm) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		name := r.Or("AlarmName", r.Name(255))
		both := []cloudwatchapi.AlarmType{cloudwatchapi.AlarmTypeMetricAlarm, cloudwatchapi.AlarmTypeCompositeAlarm}
		have, err := r.watch().DescribeAlarms(ctx, &cloudwatchapi.DescribeAlarmsInput{AlarmNames: []string{name}, AlarmTypes: both})
		if err != nil {
			return Result{}, err
		}
		if len(have.MetricAlarms)+len(have.CompositeAlarms) > 0 && !r.Retry {
			return Result{}, alreadyExists(r, "AlarmName", name)
		}
		r.PhysicalID = name
		if err := t.put(ctx, r, watchTags(r.allTags(r.Properties.Get("Tags")))); err != nil {
			return Result{}, err
		}
		if err := r.Created(name); err != nil {
			return Result{}, err
		}
	}
	return alarmResult(r), nil
}

// put makes or changes the alarm. Tags count only for a new one.
func (t alarm) put(ctx context.Context, r *Request, tags []cloudwatchapi.Tag) error {
	if t.schema == compositeAlarm.schema {
		in := &cloudwatchapi.PutCompositeAlarmInput{}
		if err := bind(r.Properties, in, "AlarmName", "Tags"); err != nil {
			return err
		}
		in.AlarmName, in.Tags = r.PhysicalID, tags
		return r.watch().PutCompositeAlarm(ctx, in)
	}
	in := &cloudwatchapi.PutMetricAlarmInput{}
	if err := bind(r.Properties, in, "AlarmName", "Tags"); err != nil {
		return err
	}
	in.AlarmName, in.Tags = r.PhysicalID, tags
	return r.watch().PutMetricAlarm(ctx, in)
}

func alarmResult(r *Request) Result {
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Arn", state.AlarmARN(r.Account, r.Region, r.PhysicalID))}
}

// Update changes the alarm and its tags.
func (t alarm) Update(ctx context.Context, r *Request) (Result, error) {
	if err := t.put(ctx, r, nil); err != nil {
		return Result{}, err
	}
	return alarmResult(r), r.watchRetag(ctx, state.AlarmARN(r.Account, r.Region, r.PhysicalID))
}

// Delete deletes the alarm.
func (alarm) Delete(ctx context.Context, r *Request) error {
	return gone(r.watch().DeleteAlarms(ctx, &cloudwatchapi.DeleteAlarmsInput{AlarmNames: []string{r.PhysicalID}}), "ResourceNotFound")
}

// dashboard is AWS::CloudWatch::Dashboard.
type dashboard struct{}

var dashboardSchema = &Schema{
	Type:       "AWS::CloudWatch::Dashboard",
	Properties: Properties{"DashboardName": String.Replaces(), "DashboardBody": String.Required()},
	Name:       "DashboardName",
}

// Schema is the type's schema.
func (dashboard) Schema() *Schema { return dashboardSchema }

// Create makes the dashboard, unless there is one of its name.
func (d dashboard) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		name := r.Or("DashboardName", r.Name(255))
		_, err := r.watch().GetDashboard(ctx, &cloudwatchapi.GetDashboardInput{DashboardName: name})
		switch {
		case err == nil && !r.Retry:
			return Result{}, alreadyExists(r, "DashboardName", name)
		case err != nil && !isCode(err, "ResourceNotFound"):
			return Result{}, err
		}
		r.PhysicalID = name
		if _, err := d.Update(ctx, r); err != nil {
			return Result{}, err
		}
		if err := r.Created(name); err != nil {
			return Result{}, err
		}
	}
	return Result{PhysicalID: r.PhysicalID}, nil
}

// Update replaces the body.
func (dashboard) Update(ctx context.Context, r *Request) (Result, error) {
	_, err := r.watch().PutDashboard(ctx, &cloudwatchapi.PutDashboardInput{DashboardName: r.PhysicalID, DashboardBody: r.Text("DashboardBody")})
	return Result{PhysicalID: r.PhysicalID}, err
}

// Delete deletes the dashboard.
func (dashboard) Delete(ctx context.Context, r *Request) error {
	_, err := r.watch().DeleteDashboards(ctx, &cloudwatchapi.DeleteDashboardsInput{DashboardNames: []string{r.PhysicalID}})
	return gone(err, "ResourceNotFound")
}

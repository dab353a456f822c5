package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/client"
)

func (a *account) watch() cloudwatchapi.API {
	return cloudwatchapi.NewClient(&client.Client{Endpoint: a.endpoint, Region: a.Region, Key: sigv4.Credentials{AccessKeyID: a.Key, SecretAccessKey: a.Secret}})
}

// testBalancerMetrics: requests of the load balancer are in CloudWatch, and so are its
// healthy hosts; an alarm follows values that a client puts, there and back.
func testBalancerMetrics(b *balanced) {
	_, name, _ := strings.Cut(b.balancer, ":loadbalancer/")
	_, group, _ := strings.Cut(b.group, ":targetgroup/")
	moment := func(ago time.Duration) string { return time.Now().UTC().Add(-ago).Format(time.RFC3339) }
	out := awsJSON[struct{ Datapoints []struct{ Sum float64 } }](b.account, "cloudwatch", "get-metric-statistics", "--namespace", "AWS/ApplicationELB", "--metric-name", "RequestCount",
		"--dimensions", "Name=LoadBalancer,Value="+name, "Name=TargetGroup,Value=targetgroup/"+group, "--period", "3600", "--statistics", "Sum", "--start-time", moment(30*time.Minute), "--end-time", moment(-time.Minute))
	if len(out.Datapoints) != 1 || out.Datapoints[0].Sum < 1 {
		b.t.Errorf("the load balancer has carried a request, but RequestCount is %+v", out)
	}
	api := b.watch()
	b.eventually(30*time.Second, "HealthyHostCount", func() error {
		out, err := api.GetMetricStatistics(b.t.Context(), &cloudwatchapi.GetMetricStatisticsInput{
			Namespace: "AWS/ApplicationELB", MetricName: "HealthyHostCount", Dimensions: []cloudwatchapi.Dimension{{Name: "LoadBalancer", Value: name}, {Name: "TargetGroup", Value: "targetgroup/" + group}},
			Period: 3600, Statistics: []cloudwatchapi.Statistic{"Maximum"}, StartTime: time.Now().Add(-30 * time.Minute), EndTime: time.Now().Add(time.Minute),
		})
		if err != nil || len(out.Datapoints) != 1 || *out.Datapoints[0].Maximum != 1 {
			return fmt.Errorf("%+v %v", out, err)
		}
		return nil
	})
	b.aws("cloudwatch", "put-metric-alarm", "--alarm-name", "orders", "--namespace", "Shop", "--metric-name", "Failed", "--statistic", "Maximum", "--period", "60", "--evaluation-periods", "1",
		"--threshold", "5", "--comparison-operator", "GreaterThanThreshold")
	put := func(value string, ago time.Duration) {
		b.aws("cloudwatch", "put-metric-data", "--namespace", "Shop", "--metric-name", "Failed", "--value", value, "--timestamp", moment(ago))
	}
	state := func(want, reason string) {
		b.eventually(20*time.Second, want, func() error {
			out, err := api.DescribeAlarms(b.t.Context(), &cloudwatchapi.DescribeAlarmsInput{AlarmNames: []string{"orders"}})
			if err != nil {
				return err
			}
			if a := out.MetricAlarms[0]; string(a.StateValue) != want || !strings.Contains(a.StateReason, reason) {
				return fmt.Errorf("%s: %s", a.StateValue, a.StateReason)
			}
			return nil
		})
	}
	put("9", 130*time.Second)
	state("ALARM", "was greater than the threshold (5.0) (minimum 1 datapoint for OK -> ALARM transition).")
	put("1", 70*time.Second)
	state("OK", "was not greater than the threshold (5.0) (minimum 1 datapoint for ALARM -> OK transition).")
}

const alarms = `
resource "aws_cloudwatch_metric_alarm" "high" {
  alarm_name          = "high"
  alarm_description   = "TAG"
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HTTPCode_ELB_5XX_Count"
  dimensions          = { LoadBalancer = "app/web/1" }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  tags                = { Kind = "TAG" }
}
resource "aws_cloudwatch_metric_alarm" "slow" {
  alarm_name          = "slow"
  namespace           = "AWS/ApplicationELB"
  metric_name         = "TargetResponseTime"
  extended_statistic  = "p99"
  period              = 60
  evaluation_periods  = 1
  threshold           = 0.5
  comparison_operator = "GreaterThanOrEqualToThreshold"
  actions_enabled     = false
  evaluate_low_sample_count_percentiles = "ignore"
}
resource "aws_cloudwatch_metric_alarm" "rate" {
  alarm_name          = "rate"
  evaluation_periods  = 2
  threshold           = 10
  comparison_operator = "GreaterThanThreshold"
  metric_query {
    id          = "rate"
    expression  = "100 * errors / requests"
    label       = "TAG"
    return_data = true
  }
  metric_query {
    id = "errors"
    metric {
      namespace   = "Shop"
      metric_name = "Errors"
      period      = 60
      stat        = "Sum"
    }
  }
  metric_query {
    id = "requests"
    metric {
      namespace   = "Shop"
      metric_name = "Requests"
      period      = 60
      stat        = "Sum"
      unit        = "Count"
      dimensions  = { Page = "checkout" }
    }
  }
}
resource "aws_cloudwatch_composite_alarm" "either" {
  alarm_name        = "either"
  alarm_description = "TAG"
  alarm_rule        = "ALARM(${aws_cloudwatch_metric_alarm.high.alarm_name}) OR ALARM(${aws_cloudwatch_metric_alarm.slow.alarm_name})"
}
resource "aws_cloudwatch_dashboard" "front" {
  dashboard_name = "front"
  dashboard_body = jsonencode({ widgets = [{ type = "text", x = 0, y = 0, width = 3, height = 3, properties = { markdown = "TAG" } }] })
}
`

// TestAlarmsByTerraform: alarms and dashboards are applied, planned empty, changed,
// imported and destroyed.
func TestAlarmsByTerraform(t *testing.T) {
	t.Parallel()
	text := func(tag string) string { return strings.ReplaceAll(alarms, "TAG", tag) }
	tf := newTerraform(newAccount(t), text("one"))
	tf.apply()
	tf.config(text("two"))
	tf.run("state", "rm", "aws_cloudwatch_metric_alarm.rate")
	tf.run("import", "-input=false", "-no-color", "aws_cloudwatch_metric_alarm.rate", "rate")
	tf.apply()
	tf.destroy()
	out := awsJSON[struct{ MetricAlarms, CompositeAlarms []any }](tf.account, "cloudwatch", "describe-alarms", "--alarm-types", "MetricAlarm", "CompositeAlarm")
	if len(out.MetricAlarms)+len(out.CompositeAlarms) != 0 {
		t.Errorf("left: %v", out)
	}
}

package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// Alarm is a metric alarm or a composite alarm of CloudWatch. Written by cloudwatch.
type Alarm struct {
	Account, Region, Name string

	Description                                      string
	ActionsEnabled                                   bool
	OKActions, AlarmActions, InsufficientDataActions []string
	Tags                                             []Tag
	UpdatedAt                                        time.Time // of its configuration

	// Of a metric alarm: one metric, or several and expressions on them.
	Metric            AlarmMetric
	Metrics           []AlarmQuery
	EvaluationPeriods int32
	DatapointsToAlarm *int32
	Threshold         float64
	Comparison        string
	Missing           string // TreatMissingData; empty: missing
	LowSamples        string // EvaluateLowSampleCountPercentile

	Rule string // of a composite alarm; empty: a metric alarm

	// Its state, and why.
	State, Reason, ReasonData string
	StateAt                   time.Time
	// ForcedAt is when SetAlarmState set the state; zero once it was evaluated again.
	ForcedAt time.Time
}

// AlarmMetric is a metric and the statistic of it.
type AlarmMetric struct {
	Namespace, Name, Unit string
	Dimensions            []Tag // names and values
	Statistic             string
	Period                int32 // seconds
}

// AlarmQuery is a metric or an expression of an alarm on several.
type AlarmQuery struct {
	ID, Expression, Label string
	Metric                *AlarmMetric
	ReturnData            *bool
	Period                *int32
}

// Key is the record's key.
func (a *Alarm) Key() string { return Key(a.Account, a.Region, a.Name) }

// ARN is the alarm's ARN.
func (a *Alarm) ARN() string { return AlarmARN(a.Account, a.Region, a.Name) }

// AlarmARN is the ARN of the alarm with a name.
func AlarmARN(account, region, name string) string {
	return "arn:aws:cloudwatch:" + region + ":" + account + ":alarm:" + name
}

// Composite tells a composite alarm.
func (a *Alarm) Composite() bool { return a.Rule != "" }

// Alarms holds alarms by account/region/name. Index "metric" takes the key of a
// metric (MetricKey) that an alarm looks at.
var Alarms = store.Define("cloudwatch.alarm", (*Alarm).Key,
	store.By("metric", func(a *Alarm) []string {
		var out []string
		if a.Metric.Name != "" {
			out = append(out, MetricKey(a.Account, a.Region, a.Metric.Namespace, a.Metric.Name))
		}
		for _, q := range a.Metrics {
			if q.Metric != nil {
				out = append(out, MetricKey(a.Account, a.Region, q.Metric.Namespace, q.Metric.Name))
			}
		}
		return out
	}))

// MetricKey names the metrics of a namespace and name, whatever their dimensions.
func MetricKey(account, region, namespace, name string) string {
	return Key(account, region, namespace+"/"+name)
}

// AlarmHistory is what happened to the alarms of a name, oldest first; it outlives
// them. Written by cloudwatch.
type AlarmHistory struct {
	Account, Region, Name string
	Items                 []AlarmEvent
}

// AlarmEvent is one entry of an alarm's history.
type AlarmEvent struct {
	At            time.Time
	Composite     bool
	Kind          string // ConfigurationUpdate, StateUpdate
	Summary, Data string
}

// Key is the record's key.
func (h *AlarmHistory) Key() string { return Key(h.Account, h.Region, h.Name) }

// AlarmHistories holds histories by account/region/name of the alarm.
var AlarmHistories = store.Define("cloudwatch.history", (*AlarmHistory).Key)

package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const (
	maxHistory     = 100 // entries of an alarm's name
	historyFor     = 30 * 24 * time.Hour
	maxHistoryData = 4095
)

// note adds an entry to an alarm's history.
func (s *Service) note(tx *store.Tx, a *state.Alarm, kind, summary string, data map[string]any) {
	data["version"] = "1.0"
	raw := encoded(data)
	if len(raw) > maxHistoryData {
		raw = `{"version":"1.0"}`
	}
	h := state.AlarmHistory{Account: a.Account, Region: a.Region, Name: a.Name}
	if old, ok := state.AlarmHistories.Get(tx, h.Key()); ok {
		h.Items = slices.Clone(old.Items)
	}
	h.Items = append(h.Items, state.AlarmEvent{At: s.now(), Composite: a.Composite(), Kind: kind, Summary: summary, Data: raw})
	h.Items = h.Items[max(0, len(h.Items)-maxHistory):]
	state.AlarmHistories.Put(tx, &h)
}

// encoded is JSON in which > is >.
func encoded(data map[string]any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(data) // plain values: always encodes
	return strings.TrimSuffix(b.String(), "\n")
}

// configured notes that an alarm was created, updated or deleted.
func (s *Service) configured(tx *store.Tx, a *state.Alarm, kind, done string) {
	configuration := map[string]any{
		"alarmName": a.Name, "alarmArn": a.ARN(), "alarmDescription": a.Description, "actionsEnabled": a.ActionsEnabled,
		"alarmActions": emptyList(a.AlarmActions), "okActions": emptyList(a.OKActions), "insufficientDataActions": emptyList(a.InsufficientDataActions),
	}
	if a.Composite() {
		configuration["alarmRule"] = a.Rule
	} else {
		configuration["threshold"], configuration["comparisonOperator"], configuration["evaluationPeriods"] = a.Threshold, a.Comparison, a.EvaluationPeriods
		if a.Metric.Name != "" {
			configuration["metricName"], configuration["namespace"], configuration["period"], configuration["statistic"] = a.Metric.Name, a.Metric.Namespace, a.Metric.Period, a.Metric.Statistic
		}
	}
	s.note(tx, a, "ConfigurationUpdate", fmt.Sprintf("Alarm %q %s", a.Name, done), map[string]any{"type": kind, done + "Alarm": configuration})
}

// turned notes that an alarm's state changed.
func (s *Service) turned(tx *store.Tx, from, to *state.Alarm) {
	described := func(a *state.Alarm) map[string]any {
		out := map[string]any{"stateValue": a.State, "stateReason": a.Reason}
		if json.Valid([]byte(a.ReasonData)) {
			out["stateReasonData"] = json.RawMessage(a.ReasonData)
		}
		return out
	}
	s.note(tx, to, "StateUpdate", "Alarm updated from "+from.State+" to "+to.State, map[string]any{"oldState": described(from), "newState": described(to)})
}

// DescribeAlarmHistory tells what happened to alarms in the last 30 days.
func (s *Service) DescribeAlarmHistory(ctx context.Context, in *cloudwatchapi.DescribeAlarmHistoryInput) (*cloudwatchapi.DescribeAlarmHistoryOutput, error) {
	if in.AlarmContributorId != "" {
		return nil, refused("The parameter AlarmContributorId")
	}
	id := caller.From(ctx)
	types := in.AlarmTypes
	if len(types) == 0 {
		types = []cloudwatchapi.AlarmType{cloudwatchapi.AlarmTypeMetricAlarm}
	}
	from := s.now().Add(-historyFor)
	if in.StartDate.After(from) {
		from = in.StartDate
	}
	all := []cloudwatchapi.AlarmHistoryItem{}
	for h := range state.AlarmHistories.All(s.DB.Read(), state.Prefix(id.Account, id.Region)) {
		if in.AlarmName != "" && h.Name != in.AlarmName {
			continue
		}
		for _, e := range h.Items {
			kind := cloudwatchapi.AlarmTypeMetricAlarm
			if e.Composite {
				kind = cloudwatchapi.AlarmTypeCompositeAlarm
			}
			if !slices.Contains(types, kind) || in.HistoryItemType != "" && e.Kind != string(in.HistoryItemType) || e.At.Before(from) || !in.EndDate.IsZero() && e.At.After(in.EndDate) {
				continue
			}
			all = append(all, cloudwatchapi.AlarmHistoryItem{
				AlarmName: h.Name, AlarmType: kind, Timestamp: e.At, HistoryItemType: cloudwatchapi.HistoryItemType(e.Kind), HistorySummary: e.Summary, HistoryData: e.Data,
			})
		}
	}
	slices.SortStableFunc(all, func(a, b cloudwatchapi.AlarmHistoryItem) int { return a.Timestamp.Compare(b.Timestamp) })
	if in.ScanBy != cloudwatchapi.ScanByTimestampAscending {
		slices.Reverse(all)
	}
	shown, token, err := page(all, in.NextToken, int(wire.Or(in.MaxRecords, 100)))
	return &cloudwatchapi.DescribeAlarmHistoryOutput{AlarmHistoryItems: shown, NextToken: token}, err
}

package cloudwatch

import (
	"context"
	"encoding/json"

	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/cloudwatch/alarm"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// SetAlarmState sets an alarm's state until it is evaluated again.
func (s *Service) SetAlarmState(ctx context.Context, in *cloudwatchapi.SetAlarmStateInput) error {
	if in.StateReasonData != "" && !json.Valid([]byte(in.StateReasonData)) {
		return &cloudwatchapi.InvalidFormatFault{Message: "StateReasonData is not valid JSON"}
	}
	id := caller.From(ctx)
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		a, ok := state.Alarms.Get(tx, state.Key(id.Account, id.Region, in.AlarmName))
		if !ok {
			return notFound(in.AlarmName)
		}
		s.change(tx, a, alarm.Verdict{State: string(in.StateValue), Reason: in.StateReason, Data: in.StateReasonData}, s.now())
		return nil
	})
}

// EnableAlarmActions lets alarms act.
func (s *Service) EnableAlarmActions(ctx context.Context, in *cloudwatchapi.EnableAlarmActionsInput) error {
	return s.enable(ctx, in.AlarmNames, true)
}

// DisableAlarmActions keeps alarms from acting.
func (s *Service) DisableAlarmActions(ctx context.Context, in *cloudwatchapi.DisableAlarmActionsInput) error {
	return s.enable(ctx, in.AlarmNames, false)
}

// enable sets whether alarms act. As on AWS, names that are not there are no error.
func (s *Service) enable(ctx context.Context, names []string, enabled bool) error {
	id := caller.From(ctx)
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		for _, name := range names {
			if a, ok := state.Alarms.Get(tx, state.Key(id.Account, id.Region, name)); ok && a.ActionsEnabled != enabled {
				changed := *a
				changed.ActionsEnabled, changed.UpdatedAt = enabled, s.now()
				s.configured(tx, &changed, "Update", "updated")
				state.Alarms.Put(tx, &changed)
			}
		}
		return nil
	})
}

package cloudformation

import (
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const stackType = "AWS::CloudFormation::Stack"

func itoa(n int) string { return strconv.Itoa(n) }

// setStatus gives a stack a status and publishes the event of it, in the same
// transaction. change may change the stack further.
func setStatus(tx *store.Tx, key, status, reason string, change func(*state.Stack)) {
	state.Stacks.Update(tx, key, func(s *state.Stack) {
		if change != nil {
			change(s)
		}
		s.Status, s.StatusReason = status, reason
		addEvent(tx, s, state.StackEvent{ID: ids.UUID(), LogicalID: s.Name, PhysicalID: s.ID, Type: stackType, Status: status, Reason: reason})
	})
}

// addEvent appends an event to a stack that is about to be stored. Times grow by
// a millisecond at least: clients drop events that are not newer than the last.
func addEvent(tx *store.Tx, s *state.Stack, e state.StackEvent) {
	s.Events++
	if s.LastEvent = later(now(), s.LastEvent.Add(time.Millisecond)); e.Time.IsZero() {
		e.Time = s.LastEvent
	}
	e.Account, e.Region, e.StackID, e.StackName, e.Number = s.Account, s.Region, s.ID, s.Name, s.Events
	if s.Operation != nil {
		e.Token, e.Operation = s.Operation.Token, s.Operation.ID
	}
	if e.ID == "" {
		e.ID = e.LogicalID + "-" + e.Status + "-" + strings.ReplaceAll(e.Time.Format("2006-01-02T15:04:05.000"), " ", "") + "Z"
	}
	state.StackEvents.Put(tx, &e)
}

// masked hides the values of NoEcho parameters in properties that users see.
func masked(properties string, c state.StackConfig) string {
	for _, p := range c.Parameters {
		if p.NoEcho && p.Value != "" {
			properties = strings.ReplaceAll(properties, template.Text(p.Value).JSON(), `"****"`)
		}
	}
	return properties
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// progress stores a resource and publishes the event of its status.
func progress(tx *store.Tx, stackKey string, r *state.StackResource, status, reason, physicalID, properties string) {
	r.Status, r.Reason = status, reason
	state.Stacks.Update(tx, stackKey, func(s *state.Stack) {
		addEvent(tx, s, state.StackEvent{LogicalID: r.LogicalID, PhysicalID: physicalID, Type: r.Type, Status: status, Reason: reason, Properties: masked(properties, s.Config)})
		r.Changed = s.LastEvent
	})
	state.StackResources.Put(tx, r)
}

package why

import (
	"fmt"
	"strings"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// stack explains a stack: the first resources that failed, and for services in
// it what keeps their tasks from running.
func (x *Explainer) stack(tx *store.Tx, s *state.Stack) Report {
	r := Report{Target: "stack/" + s.Name, Summary: fmt.Sprintf("stack %s is %s", s.Name, s.Status)}
	failed := strings.Contains(s.Status, "FAILED") || strings.Contains(s.Status, "ROLLBACK")
	if failed && s.StatusReason != "" {
		r.Summary += ": " + s.StatusReason
	}
	x.resources(tx, s, &r, 0)
	r.Healthy = !failed && len(r.Findings) == 0
	return r
}

// maxStacks bounds how deep nested stacks are followed.
const maxStacks = 10

// resources adds the findings of a stack's resources and of its nested stacks.
func (x *Explainer) resources(tx *store.Tx, s *state.Stack, r *Report, depth int) {
	if depth > maxStacks {
		return
	}
	for child := range state.Stacks.By(tx, "parent", s.Key()) {
		x.resources(tx, child, r, depth+1)
	}
	for res := range state.StackResources.All(tx, state.StackResourceKey(s.Account, s.Region, s.ID, "")) {
		if res.Live.Type == "AWS::ECS::Service" {
			name := res.Live.ID[strings.LastIndex(res.Live.ID, "/")+1:]
			if service := findService(tx, s.Account, s.Region, name); service != nil && service.Status == "ACTIVE" {
				if report := x.service(tx, service); !report.Healthy {
					r.Findings = append(r.Findings, report.Findings...)
					r.Summary += "; " + report.Summary
				}
			}
		}
	}
	r.Findings = append(r.Findings, failures(tx, s)...)
}

// failures are the failed resources of the stack's last operation, the first
// one first. A resource that was only cancelled failed for no reason of its own.
func failures(tx *store.Tx, s *state.Stack) []Finding {
	var out []Finding
	for e := range state.StackEvents.All(tx, state.StackEventPrefix(s.Account, s.Region, s.ID)) {
		if !strings.HasSuffix(e.Status, "_FAILED") || strings.HasSuffix(e.Reason, "cancelled") || e.Type == "AWS::CloudFormation::Stack" {
			continue
		}
		out = append(out, Finding{
			Code: "stack.resource", Cause: fmt.Sprintf("%s (%s) failed", e.LogicalID, e.Type), Where: "stack " + s.Name,
			AWSSays: e.Reason, Confidence: decision.Observed,
			Seen: []Seen{{Time: e.Time, Text: e.Status}},
		})
	}
	return out
}

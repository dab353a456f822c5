package why

import (
	"strings"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/state"
)

// wrongRole completes a finding when the permission that was missing is there, but
// on the task's other role: the one that pulls images and reads secrets was meant
// and the application's has it, or the other way round.
func (x *Explainer) wrongRole(t *state.Task, refusal decision.Decision, f *Finding) {
	action, resource := fact(refusal, "action"), fact(refusal, "resource")
	if refusal.Code != "iam.not-allowed" || action == "" || t.TaskRoleARN == "" || t.ExecutionRoleARN == "" || t.TaskRoleARN == t.ExecutionRoleARN {
		return
	}
	has, lacks, user := t.TaskRoleARN, t.ExecutionRoleARN, "ECS itself, which pulls images, reads secrets and writes logs with the execution role"
	hasName, lacksName := "task role", "execution role"
	if refusal.Where == t.TaskRoleARN {
		has, lacks, user = lacks, has, "the application, which calls AWS with the task role"
		hasName, lacksName = lacksName, hasName
	}
	if refusal.Where != lacks || !x.Permits(has, t.Region, action, resource) {
		return
	}
	f.Code, f.Where = "iam.wrong-role", lacks
	f.Cause = "the permission is on the wrong one of the two roles: " + action + " on " + resource + " was asked for by " + user + "; the " + hasName + " " + roleName(has) +
		" has the permission, and the " + lacksName + " " + roleName(lacks) + " needs it"
	f.Fixes = nil
	for _, fix := range refusal.Fix {
		if fix.Lang == "cloudformation" {
			fix.Target = "move it to the " + lacksName + " " + roleName(lacks)
		}
		f.Fixes = append(f.Fixes, fix)
	}
}

func fact(d decision.Decision, name string) string {
	for _, f := range d.Facts {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

func roleName(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

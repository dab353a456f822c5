package cloudformation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/logsapi"
)

const importable = `
Resources:
  Old: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: old, RetentionInDays: 7}}
  New: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: new}}
  Unnamed: {Type: AWS::Logs::LogGroup}
`

// importing makes a change set that imports and returns what it would do.
func (w *world) importing(stack, body string, kind cloudformationapi.ChangeSetType) string {
	w.t.Helper()
	_, err := w.api.CreateChangeSet(w.ctx, &cloudformationapi.CreateChangeSetInput{StackName: stack, ChangeSetName: "cs-" + string(kind), ChangeSetType: kind, TemplateBody: body, ImportExistingResources: true})
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := w.api.DescribeChangeSet(w.ctx, &cloudformationapi.DescribeChangeSetInput{StackName: stack, ChangeSetName: "cs-" + string(kind)})
	if err != nil || !out.ImportExistingResources {
		w.t.Fatal(out, err)
	}
	var changes []string
	for _, c := range out.Changes {
		changes = append(changes, strings.TrimSpace(string(c.ResourceChange.Action)+" "+c.ResourceChange.LogicalResourceId+" "+c.ResourceChange.PhysicalResourceId))
	}
	if _, err := w.api.ExecuteChangeSet(w.ctx, &cloudformationapi.ExecuteChangeSetInput{StackName: stack, ChangeSetName: "cs-" + string(kind)}); err != nil {
		w.t.Fatal(err)
	}
	return strings.Join(changes, ", ")
}

func TestExistingResourcesAreImported(t *testing.T) {
	w := newWorld(t)
	groups := logsapi.NewClient(w.gateway)
	create := func(name string) {
		t.Helper()
		if err := groups.CreateLogGroup(w.ctx, &logsapi.CreateLogGroupRequest{LogGroupName: name}); err != nil {
			t.Fatal(err)
		}
	}
	exists := func(name string) bool {
		t.Helper()
		out, err := groups.DescribeLogGroups(w.ctx, &logsapi.DescribeLogGroupsRequest{LogGroupNamePrefix: name})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.LogGroups) > 0
	}
	create("old")
	if got := w.importing("s", importable, "CREATE"); got != "Import Old old, Add New, Add Unnamed" {
		t.Errorf("changes: %s", got)
	}
	w.expect(w.ended("s"), "CREATE_COMPLETE")
	if events := w.events("s"); !strings.Contains(events, "Old IMPORT_COMPLETE Resource import completed.\n") || !strings.Contains(events, "New CREATE_COMPLETE") {
		t.Errorf("events:\n%s", events)
	}
	// What belongs to a stack is not imported into another one.
	if got := w.importing("other", importable, "CREATE"); got != "Add Old, Add New, Add Unnamed" {
		t.Errorf("changes of another stack: %s", got)
	}
	w.expect(w.ended("other"), "ROLLBACK_COMPLETE")
	// An update that fails leaves what it imported alone.
	create("late")
	if got := w.importing("s", importable+"  Late: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: late}}\n  Bad: {Type: AWS::Logs::LogGroup, DependsOn: Late, Properties: {RetentionInDays: 8}}\n", "UPDATE"); got != "Import Late late, Add Bad" {
		t.Errorf("changes of an update: %s", got)
	}
	w.expect(w.ended("s"), "UPDATE_ROLLBACK_COMPLETE")
	if !exists("late") || !strings.Contains(w.events("s"), "Late DELETE_SKIPPED") {
		t.Errorf("after the rollback late exists: %v\n%s", exists("late"), w.events("s"))
	}
	// The imported one is the stack's: it goes with it.
	if err := w.api.DeleteStack(w.ctx, &cloudformationapi.DeleteStackInput{StackName: "s"}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); exists("old") || exists("new"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the stack's log groups are still there\n%s", w.history())
		}
	}
	if !exists("late") {
		t.Error("late is gone")
	}
}

package cloudformation_test

import (
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
)

const protects = `{"Statement":[{"Effect":"Allow","Action":"Update:*","Principal":"*","Resource":"*"},{"Effect":"Deny","Action":"Update:*","Principal":"*","Resource":"LogicalResourceId/Kept"}]}`

// What a stack policy denies fails the update, which is rolled back; the policy
// of one update stands in for it.
func TestStackPolicy(t *testing.T) {
	w := newWorld(t)
	const body = `
Resources:
  Kept: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: kept, RetentionInDays: 7}}
  Other: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: other, RetentionInDays: 7}}
`
	_, err := w.api.CreateStack(w.ctx, &cloudformationapi.CreateStackInput{StackName: "s", TemplateBody: body, StackPolicyBody: protects})
	if err != nil {
		t.Fatal(err)
	}
	w.expect(w.ended("s"), "CREATE_COMPLETE")
	for _, c := range []struct{ name, body, reason string }{
		{"modify", strings.Replace(body, "kept, RetentionInDays: 7", "kept, RetentionInDays: 14", 1), "Action denied by stack policy: Statement [#2] does not allow [Update:Modify] for resource [Kept]"},
		{"replace", strings.Replace(body, "LogGroupName: kept", "LogGroupName: renamed", 1), "does not allow [Update:Replace] for resource [Kept]"},
		{"delete", strings.Replace(body, "  Kept: {", "  Instead: {", 1), "does not allow [Update:Delete] for resource [Kept]"},
	} {
		before := len(w.eventList("s"))
		w.expect(w.update("s", c.body), "UPDATE_ROLLBACK_COMPLETE")
		failed := ""
		for _, e := range w.eventList("s")[before:] {
			if e.LogicalResourceId == "Kept" && e.ResourceStatus == "UPDATE_FAILED" {
				failed = e.ResourceStatusReason
			}
		}
		if !strings.Contains(failed, c.reason) {
			t.Errorf("%s: Kept failed with %q", c.name, failed)
		}
	}
	resources, err := w.api.ListStackResources(w.ctx, &cloudformationapi.ListStackResourcesInput{StackName: "s"})
	if err != nil || len(resources.StackResourceSummaries) != 2 || resources.StackResourceSummaries[0].ResourceStatus != "UPDATE_COMPLETE" {
		t.Errorf("resources: %+v %v", resources, err)
	}
	w.expect(w.update("s", strings.Replace(body, "other, RetentionInDays: 7", "other, RetentionInDays: 14", 1)), "UPDATE_COMPLETE")
	const all = `{"Statement":[{"Effect":"Allow","Action":"Update:*","Principal":"*","Resource":"*"}]}`
	if _, err := w.api.UpdateStack(w.ctx, &cloudformationapi.UpdateStackInput{StackName: "s", TemplateBody: strings.ReplaceAll(body, "Days: 7", "Days: 30"), StackPolicyDuringUpdateBody: all}); err != nil {
		t.Fatal(err)
	}
	w.expect(w.ended("s"), "UPDATE_COMPLETE")
	if out, err := w.api.GetStackPolicy(w.ctx, &cloudformationapi.GetStackPolicyInput{StackName: "s"}); err != nil || out.StackPolicyBody != protects {
		t.Errorf("the policy is %+v %v", out, err)
	}
	if err := w.api.SetStackPolicy(w.ctx, &cloudformationapi.SetStackPolicyInput{StackName: "s", StackPolicyURL: w.put("policy.json", all)}); err != nil {
		t.Fatal(err)
	}
	w.expect(w.update("s", body), "UPDATE_COMPLETE")
	for _, in := range []cloudformationapi.SetStackPolicyInput{{StackName: "s"}, {StackName: "none", StackPolicyBody: all}, {StackName: "s", StackPolicyBody: all, StackPolicyURL: "s3://b/k"}, {StackName: "s", StackPolicyBody: "{}"}} {
		if err := w.api.SetStackPolicy(w.ctx, &in); err == nil {
			t.Errorf("%+v: no error", in)
		}
	}
}

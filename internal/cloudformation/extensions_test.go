package cloudformation_test

import (
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
)

// A loop makes a resource of each value, and takes those away whose values are gone.
func TestAStackWithLoops(t *testing.T) {
	w := newWorld(t)
	const body = `
Transform: AWS::LanguageExtensions
Parameters:
  Names: {Type: CommaDelimitedList}
  Policy: {Type: String, Default: Delete}
Resources:
  Fn::ForEach::Groups:
    - Name
    - !Ref Names
    - "Group${Name}":
        Type: AWS::Logs::LogGroup
        DeletionPolicy: !Ref Policy
        Properties:
          LogGroupName: !Sub "/app/${Name}"
Outputs:
  Count: {Value: !Length {Ref: Names}}
  Names: {Value: !ToJsonString [!Ref Names, !GetAtt Groupa.Arn]}
`
	s := w.create("loops", strings.Replace(body, "[!Ref Names,", "[1,", 1), "Names", "a,b")
	w.expect(s, "CREATE_COMPLETE")
	if output(s, "Count") != "2" || output(s, "Names") != `[1,"arn:aws:logs:eu-west-1:000000000000:log-group:/app/a:*"]` {
		t.Errorf("outputs %+v", s.Outputs)
	}
	processed, err := w.api.GetTemplate(w.ctx, &cloudformationapi.GetTemplateInput{StackName: "loops", TemplateStage: "Processed"})
	if err != nil || strings.Contains(processed.TemplateBody, "ForEach") || !strings.Contains(processed.TemplateBody, `"Groupb":{"Type":"AWS::Logs::LogGroup","DeletionPolicy":"Delete"`) {
		t.Errorf("processed: %+v %v", processed, err)
	}
	s = w.update("loops", strings.Replace(body, "[!Ref Names,", "[1,", 1), "Names", "a,c")
	w.expect(s, "UPDATE_COMPLETE")
	resources, err := w.api.ListStackResources(w.ctx, &cloudformationapi.ListStackResourcesInput{StackName: "loops"})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range resources.StackResourceSummaries {
		ids = append(ids, r.LogicalResourceId+" "+r.PhysicalResourceId)
	}
	if got := strings.Join(ids, ", "); got != "Groupa /app/a, Groupc /app/c" {
		t.Errorf("resources %s", got)
	}
	if _, err := w.api.UpdateStack(w.ctx, &cloudformationapi.UpdateStackInput{StackName: "loops", TemplateBody: strings.Replace(body, "[!Ref Names,", "[1,", 1), Parameters: pairs([]string{"Names", "a,c", "Policy", "Sometimes"}),
		Capabilities: []cloudformationapi.Capability{"CAPABILITY_AUTO_EXPAND"}}); err == nil || !strings.Contains(err.Error(), "Unrecognized DeletionPolicy Sometimes") {
		t.Errorf("an unknown policy: %v", err)
	}
}

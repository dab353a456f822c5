package cloudformation_test

import (
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
)

// Snippets of AWS::Include join the map that names them, and the template.
func TestIncludes(t *testing.T) {
	w := newWorld(t)
	w.put("outputs.yaml", "Outputs:\n  Name: {Value: {Ref: Group}}\n")
	w.put("days.json", `{"RetentionInDays": {"Ref": "Days"}}`)
	w.put("name.yaml", "Fn::Sub: /app/${Days}\n")
	const body = `
Transform: {Name: AWS::Include, Parameters: {Location: s3://staging/outputs.yaml}}
Parameters:
  Days: {Type: Number, Default: 7}
  Part: {Type: String, Default: s3://staging/days.json}
Resources:
  Group:
    Type: AWS::Logs::LogGroup
    Properties:
      LogGroupName: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://staging/name.yaml}}}
      Fn::Transform: {Name: AWS::Include, Parameters: {Location: !Ref Part}}
`
	s := w.create("included", body)
	w.expect(s, "CREATE_COMPLETE")
	if output(s, "Name") != "/app/7" {
		t.Errorf("outputs %+v", s.Outputs)
	}
	processed, err := w.api.GetTemplate(w.ctx, &cloudformationapi.GetTemplateInput{StackName: "included", TemplateStage: "Processed"})
	if err != nil || strings.Contains(processed.TemplateBody, "Transform") || !strings.Contains(processed.TemplateBody, `"RetentionInDays":{"Ref":"Days"}`) {
		t.Errorf("processed: %+v %v", processed, err)
	}
	valid, err := w.api.ValidateTemplate(w.ctx, &cloudformationapi.ValidateTemplateInput{TemplateBody: body})
	if err != nil || len(valid.DeclaredTransforms) != 1 || valid.DeclaredTransforms[0] != "AWS::Include" || len(valid.Capabilities) != 1 {
		t.Errorf("validate: %+v %v", valid, err)
	}
}

func TestRefusedIncludes(t *testing.T) {
	w := newWorld(t)
	w.put("short.yaml", "RetentionInDays: !Ref Days\n")
	w.put("nested.yaml", "Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://staging/short.yaml}}\n")
	w.put("broken.yaml", "a: [\n")
	w.put("list.yaml", "- a\n")
	const invalidContent = "Transform AWS::Include failed with: The specified S3 object's content should be valid Yaml/JSON"
	for call, want := range map[string]string{
		"{Name: AWS::Include, Parameters: {Location: s3://staging/short.yaml}}":  invalidContent,
		"{Name: AWS::Include, Parameters: {Location: s3://staging/broken.yaml}}": invalidContent,
		"{Name: AWS::Include, Parameters: {Location: s3://staging/list.yaml}}":   invalidContent,
		"{Name: AWS::Include, Parameters: {Location: s3://staging/nested.yaml}}": "Fn::Transform is not allowed",
		"{Name: AWS::Include, Parameters: {Location: s3://staging/none.yaml}}":   "Transform AWS::Include failed with: S3 error: The specified key does not exist.",
		"{Name: AWS::Include, Parameters: {Location: here.yaml}}":                "The location parameter is not a valid S3 uri.",
		"{Name: AWS::Include}": "Missing required parameter: Location",
		"{Name: MyMacro}":      "No transform named MyMacro found.",
	} {
		_, err := w.api.CreateStack(w.ctx, &cloudformationapi.CreateStackInput{StackName: "x", Capabilities: []cloudformationapi.Capability{"CAPABILITY_AUTO_EXPAND"},
			TemplateBody: "Resources:\n  Group:\n    Type: AWS::Logs::LogGroup\n    Properties:\n      LogGroupName: x\n      Fn::Transform: " + call})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", call, err)
		}
	}
}

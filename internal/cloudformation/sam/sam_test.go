package sam

import (
	"os"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/testenv"
)

func TestApplication(t *testing.T) {
	doc, err := template.Read(`
Transform: AWS::Serverless-2016-10-31
Resources:
  App:
    Type: AWS::Serverless::Application
    DependsOn: B
    Metadata: {SamResourceId: App}
    Properties:
      Location: http://127.0.0.1:4566/b/k.template
      Parameters: {P: !GetAtt Other.Outputs.V}
      Tags: {Team: x}
  B: {Type: AWS::S3::Bucket}
`)
	if err != nil {
		t.Fatal(err)
	}
	out, err := Transform(doc)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"Resources":{"App":{"Type":"AWS::CloudFormation::Stack","DependsOn":"B","Metadata":{"SamResourceId":"App"},` +
		`"Properties":{"TemplateURL":"http://127.0.0.1:4566/b/k.template","Parameters":{"P":{"Fn::GetAtt":"Other.Outputs.V"}},` +
		`"Tags":[{"Key":"lambda:createdBy","Value":"SAM"},{"Key":"Team","Value":"x"}]}},"B":{"Type":"AWS::S3::Bucket"}}}`
	if got := out.JSON(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if r := out.Get("Resources").Get("App"); r.Get("Properties").Get("TemplateURL").Line != 9 {
		t.Errorf("the URL stands on line %d", r.Get("Properties").Get("TemplateURL").Line)
	}
}

func TestRefused(t *testing.T) {
	for resource, want := range map[string]string{
		"{Type: AWS::Serverless::Application}":                                             "Number of errors found: 1. Resource with id [A] is invalid. Resource is missing the required [Location] property.",
		"{Type: AWS::Serverless::Application, Properties: {Location: {ApplicationId: x}}}": "Neargate has no Serverless Application Repository",
		"{Type: AWS::Serverless::Application, Properties: {Location: x, Foo: y}}":          "property Foo not defined for resource of type AWS::Serverless::Application",
		"{Type: AWS::Serverless::Function, Properties: {Handler: x}}":                      "Neargate does not carry out the resource type AWS::Serverless::Function (line 1).",
		"{Type: AWS::Serverless::Application, Properties: {Location: x, Tags: [a]}}":       "Type of property 'Tags' is invalid.",
	} {
		doc, err := template.Read("Resources: {A: " + resource + "}")
		if err != nil {
			t.Fatal(err)
		}
		_, err = Transform(doc)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "Transform AWS::Serverless-2016-10-31 failed with: Invalid Serverless Application Specification document.") {
			t.Errorf("%s: %v", resource, err)
		}
	}
}

func TestExampleParent(t *testing.T) {
	text, err := os.ReadFile(testenv.Shared(t, "examples", "isolated-vpc", "parent.yml"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := template.Read(string(text))
	if err != nil {
		t.Fatal(err)
	}
	out, err := Transform(doc)
	if err != nil {
		t.Fatal(err)
	}
	tpl, err := template.New(out)
	if err != nil {
		t.Fatal(err)
	}
	if len(tpl.Resources) != 3 || tpl.Transforms != nil || tpl.Resources[2].Type != "AWS::CloudFormation::Stack" {
		t.Errorf("%+v", tpl.Resources)
	}
}

package suggest

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/neargate/neargate/internal/state"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	ctyjson "github.com/zclconf/go-cty/cty/json"
	"go.yaml.in/yaml/v3"
)

// The three forms say the same.
func TestFormsAgree(t *testing.T) {
	p := For([]state.ActionUse{
		use("ecr:GetAuthorizationToken", on("*")),
		use("iam:PassRole", state.ResourceUse{Resource: "arn:aws:iam::111111111111:role/r", Allowed: 1, Keys: map[string]string{"iam:passedtoservice": "ecs-tasks.amazonaws.com"}}),
		use("s3:GetObject", on("arn:aws:s3:::b/it's ${*} %{if}: \"x\""), on("arn:aws:s3:::b/y")),
		use("s3:PutObject", on("arn:aws:s3:::b/y")),
	})
	var want any
	if err := json.Unmarshal([]byte(p.Document()), &want); err != nil {
		t.Fatal(err)
	}
	var cfn struct {
		Policies []struct {
			PolicyName     string `yaml:"PolicyName"`
			PolicyDocument any    `yaml:"PolicyDocument"`
		} `yaml:"Policies"`
	}
	if err := yaml.Unmarshal([]byte(p.CloudFormation("least-privilege")), &cfn); err != nil {
		t.Fatal(err)
	}
	if got := cfn.Policies[0]; got.PolicyName != "least-privilege" || !reflect.DeepEqual(got.PolicyDocument, want) {
		t.Errorf("cloudformation: %v\nwant %v\n%s", got, want, p.CloudFormation("least-privilege"))
	}

	text := p.Terraform("role", "app", "least-privilege")
	file, diags := hclsyntax.ParseConfig([]byte(text), "x.tf", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%s\n%s", diags, text)
	}
	block := file.Body.(*hclsyntax.Body).Blocks[0]
	jsonencode := function.New(&function.Spec{
		Params: []function.Parameter{{Name: "v", Type: cty.DynamicPseudoType}}, Type: function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			b, err := ctyjson.Marshal(args[0], args[0].Type())
			return cty.StringVal(string(b)), err
		},
	})
	v, diags := block.Body.Attributes["policy"].Expr.Value(&hcl.EvalContext{Functions: map[string]function.Function{"jsonencode": jsonencode}})
	if diags.HasErrors() {
		t.Fatalf("%s\n%s", diags, text)
	}
	var got any
	if err := json.Unmarshal([]byte(v.AsString()), &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("terraform: %v %v\nwant %v", got, err, want)
	}
}

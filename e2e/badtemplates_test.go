package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// badTemplate is a template, or what follows a good VPC in it, and how it is refused.
type badTemplate struct {
	name, text string
	message    string // regular expression
}

const (
	vpcOnly = "Resources:\n  V:\n    Type: AWS::EC2::VPC\n    Properties:\n      CidrBlock: 10.9.0.0/16\n"
	// cidr is a template whose only property is what follows.
	cidr = "Resources:\n  V:\n    Type: AWS::EC2::VPC\n    Properties:\n      CidrBlock: "
)

var badTemplates = []badTemplate{
	{"empty", "", `Template URL or Template Body must be specified`},
	{"not YAML", "a: [b", `YAML not well-formed\. \(line 1, column \d+\)`},
	{"broken JSON", `{"Resources": {`, `JSON not well-formed`},
	{"no resources", "Description: x", `At least one Resources member must be defined`},
	{"scalar", "hello", `unsupported structure`},
	{"unknown section", vpcOnly + "Foo: 1\n", `Invalid template property or properties \[Foo\]`},
	{"version", "AWSTemplateFormatVersion: '2011-01-01'\n" + vpcOnly, `2011-01-01 is not a supported value for AWSTemplateFormatVersion`},
	{"no type", "Resources:\n  V:\n    Properties: {}\n", `Every Resources object must contain a Type member`},
	{"unknown type", vpcOnly + "  X:\n    Type: AWS::EC2::Vpcx\n", `Unrecognized resource types: \[AWS::EC2::Vpcx\].*line 6`},
	{"type that is not carried out", vpcOnly + "  X:\n    Type: AWS::Lambda::Function\n", `AWS::Lambda::Function.*line 6`},
	{"custom resource", vpcOnly + "  X:\n    Type: Custom::Foo\n", `Custom::Foo.*line 6`},
	{"unknown property", vpcOnly + "      Foo: bar\n", `resource V .*extraneous key \[Foo\].*line 6`},
	{"unknown nested property", "Resources:\n  C:\n    Type: AWS::ECS::Cluster\n    Properties:\n      ClusterSettings:\n        - Name: containerInsights\n          Valu: enabled\n", `resource C .*ClusterSettings/0.*\[Valu\].*line 7`},
	{"property that is not carried out", vpcOnly + "      Ipv4IpamPoolId: x\n", `Ipv4IpamPoolId.*line 6`},
	{"missing property", "Resources:\n  S:\n    Type: AWS::EC2::Subnet\n    Properties:\n      CidrBlock: 10.0.0.0/24\n", `resource S .*required key \[VpcId\] not found`},
	{"property of another type", cidr + "[a]\n", `CidrBlock: expected type: String, found: JSONArray.*line 5`},
	{"property null", cidr + "null\n", `'null' values are not allowed`},
	{"unknown attribute of a resource", vpcOnly + "    Foo: bar\n", `Invalid template resource property 'Foo'`},
	{"cycle", "Resources:\n  A: { Type: AWS::EC2::SecurityGroup, Properties: { GroupDescription: !Ref B } }\n  B: { Type: AWS::EC2::SecurityGroup, Properties: { GroupDescription: !GetAtt A.GroupId } }\n", `Circular dependency between resources: \[A, B\]`},
	{"cycle of one", "Resources:\n  A: { Type: AWS::EC2::SecurityGroup, Properties: { GroupDescription: !Sub 'x${A}' } }\n", `Circular dependency between resources: \[A\]`},
	{"cycle by DependsOn", "Resources:\n  A: { Type: AWS::EC2::InternetGateway, DependsOn: B }\n  B: { Type: AWS::EC2::InternetGateway, DependsOn: [A] }\n", `Circular dependency between resources: \[A, B\]`},
	{"cycle of conditions", vpcOnly + "Conditions:\n  A: !Not [!Condition B]\n  B: !Not [!Condition A]\n", `Circular dependency between conditions: \[A, B\]`},
	{"Ref of nothing", cidr + "!Ref Nope\n", `Unresolved resource dependencies \[Nope\]`},
	{"DependsOn nothing", vpcOnly + "    DependsOn: Nope\n", `Unresolved resource dependencies \[Nope\]`},
	{"Fn::Sub of nothing", cidr + "!Sub '${Nope}/16'\n", `Unresolved resource dependencies \[Nope\]`},
	{"Fn::GetAtt of no attribute", vpcOnly + "  W: { Type: AWS::EC2::VPC, Properties: { CidrBlock: !GetAtt V.Nope } }\n", `attribute type Nope in Fn::GetAtt`},
	{"Fn::FindInMap of no map", cidr + "!FindInMap [A, B, C]\n", `Unable to get mapping for A::B::C`},
	{"Fn::Select beyond the end", cidr + "!Select [5, [a, b]]\n", `cannot select nonexistent value at index 5`},
	{"Fn::Select of no list", cidr + "!Select foo\n", `Fn::Select requires a list argument`},
	{"Fn::Join of one", cidr + "!Join [a]\n", `every Fn::Join object requires two parameters`},
	{"Fn::Split of one", cidr + "!Split [a]\n", `every Fn::Split object requires two parameters`},
	{"Fn::If of no condition", cidr + "!If [Nope, a, b]\n", `unresolved condition dependency Nope in Fn::If`},
	{"Fn::Base64 of a list", cidr + "!Base64 [a]\n", `every Fn::Base64 object must have a String-typed value`},
	{"Fn::Cidr of no block", cidr + "!Select [0, !Cidr [x, 1, 1]]\n", `Fn::Cidr: .*not a CIDR block`},
	{"unknown function", cidr + "{'Fn::Nope': x}\n", `unsupported function: Fn::Nope`},
	{"unknown tag", cidr + "!Nope x\n", `YAML not well-formed\. \(line 5, column`},
	{"condition of a resource", vpcOnly + "Conditions:\n  A: !Equals [!Ref V, x]\n", `Cannot reference resources in the Conditions block`},
	{"unknown condition", vpcOnly + "    Condition: Nope\n", `Unresolved condition dependency Nope`},
	{"parameter type", vpcOnly + "Parameters: { P: { Type: Foo } }\n", `Unrecognized parameter type: Foo`},
	{"parameter without value", vpcOnly + "Parameters: { P: { Type: String } }\n", `Parameters: \[P\] must have values`},
	{"parameter not allowed", vpcOnly + "Parameters: { P: { Type: String, Default: a, AllowedValues: [b] } }\n", `Parameter 'P' must be one of AllowedValues`},
	{"parameter no number", vpcOnly + "Parameters: { P: { Type: Number, Default: a } }\n", `Parameter 'P' must be a number`},
	{"rule", vpcOnly + "Rules: { R: { Assertions: [ { Assert: !Equals [a, b], AssertDescription: never so } ] } }\n", `Rules failed: \[never so\]`},
	{"logical id", "Resources:\n  V-1: { Type: AWS::EC2::InternetGateway }\n", `Resource name V-1 is non alphanumeric`},
	{"output of nothing", vpcOnly + "Outputs: { O: { Value: !Ref Nope } }\n", `Unresolved resource dependencies \[Nope\] in the Outputs block`},
	{"deletion policy", vpcOnly + "    DeletionPolicy: Foo\n", `Unrecognized DeletionPolicy Foo`},
	{"transform", "Transform: Foo\n" + vpcOnly, `Transform Foo failed with`},
	{"SAM function", "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n", `\[F\].*AWS::Serverless::Function \(line 3\)`},
	{"aliases that multiply", vpcOnly + "Metadata:\n  a: &a [x,x,x,x,x,x,x,x,x]\n  b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n", `aliases are not allowed`},
	{"too deep", vpcOnly + "Metadata: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "\n", `Template format error`},
	{"too many resources", "Resources:\n" + numbered(501, "  R%d: { Type: AWS::EC2::InternetGateway }\n"), `Number of resources, 501, is greater than maximum allowed, 500`},
	{"too many parameters", vpcOnly + "Parameters:\n" + numbered(201, "  P%d: { Type: String, Default: x }\n"), `Number of parameters, 201, is greater than maximum allowed, 200`},
	{"too many outputs", vpcOnly + "Outputs:\n" + numbered(201, "  O%d: { Value: x }\n"), `Number of outputs, 201, is greater than maximum allowed, 200`},
	{"more than 51,200 bytes", pad(vpcOnly, 51_201), `at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to 51200`},
}

func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// pad brings a template to size bytes by a comment.
func pad(text string, size int) string {
	return text + "#" + strings.Repeat("x", size-len(text)-2) + "\n"
}

// TestBadTemplates sends templates that cannot be carried out, to CreateStack
// and as a change set: each is refused by what is wrong with it, and nothing is made.
func TestBadTemplates(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.unharmed(func() {
		var calls []apiCall
		for _, b := range badTemplates {
			calls = append(calls, apiCall{"cloudformation", "CreateStack", map[string]any{"StackName": "bad", "TemplateBody": b.text}})
		}
		for i, r := range a.boto3(calls...) {
			b := badTemplates[i]
			if r.Status != 400 || r.Code != "ValidationError" || !regexp.MustCompile(b.message).MatchString(r.Message) {
				t.Errorf("%s: %s\nwant 400 ValidationError: %s", b.name, r, b.message)
			}
		}
	})
	requests := map[string]struct {
		input         map[string]any
		code, message string
	}{
		"body and URL":       {map[string]any{"StackName": "bad", "TemplateBody": vpcOnly, "TemplateURL": "https://s3.amazonaws.com/a/b"}, "ValidationError", `both Template URL and Template Body`},
		"stack name":         {map[string]any{"StackName": "a b", "TemplateBody": vpcOnly}, "ValidationError", `'a b' at 'stackName'`},
		"unknown parameter":  {map[string]any{"StackName": "bad", "TemplateBody": vpcOnly, "Parameters": []any{map[string]any{"ParameterKey": "No", "ParameterValue": "1"}}}, "ValidationError", `Parameters: \[No\] do not exist in the template`},
		"URL of a stranger":  {map[string]any{"StackName": "bad", "TemplateURL": "http://example.com/x"}, "ValidationError", `not a valid S3 domain`},
		"file URL":           {map[string]any{"StackName": "bad", "TemplateURL": "file:///etc/passwd"}, "ValidationError", `TemplateURL must be a supported URL`},
		"URL of no bucket":   {map[string]any{"StackName": "bad", "TemplateURL": "https://s3.amazonaws.com/no-such-bucket/x"}, "ValidationError", `S3 error: The specified bucket does not exist`},
		"no capability":      {map[string]any{"StackName": "bad", "TemplateBody": "Resources:\n  R: { Type: AWS::IAM::Role, Properties: { AssumeRolePolicyDocument: {} } }\n"}, "InsufficientCapabilitiesException", `Requires capabilities : \[CAPABILITY_IAM\]`},
		"unknown capability": {map[string]any{"StackName": "bad", "TemplateBody": vpcOnly, "Capabilities": []string{"FOO"}}, "ValidationError", `'FOO' at 'capabilities`},
	}
	a.unharmed(func() {
		var calls []apiCall
		var names []string
		for name, r := range requests {
			names = append(names, name)
			calls = append(calls, apiCall{"cloudformation", "CreateStack", r.input})
		}
		for i, r := range a.boto3(calls...) {
			want := requests[names[i]]
			if r.Status != 400 || r.Code != want.code || !regexp.MustCompile(want.message).MatchString(r.Message) {
				t.Errorf("%s: %s\nwant 400 %s: %s", names[i], r, want.code, want.message)
			}
		}
	})
}

// TestTemplateSizes takes templates up to 1 MB through S3, and no more.
func TestTemplateSizes(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	bucket := "templates-" + a.ID
	a.aws("s3api", "create-bucket", "--bucket", bucket, "--create-bucket-configuration", "LocationConstraint="+a.Region)
	const limit = 1 << 20
	for name, size := range map[string]int{"fits": limit, "larger": limit + 1} {
		a.aws("s3", "cp", "--quiet", a.write(name, pad(vpcOnly, size)), "s3://"+bucket+"/"+name)
	}
	url := func(name string) map[string]any {
		return map[string]any{"TemplateURL": "https://" + bucket + ".s3." + a.Region + ".amazonaws.com/" + name}
	}
	answers := a.boto3(apiCall{"cloudformation", "ValidateTemplate", url("fits")}, apiCall{"cloudformation", "ValidateTemplate", url("larger")})
	if answers[0].Status != 200 {
		t.Errorf("1 MB: %s", answers[0])
	}
	if r := answers[1]; r.Status != 400 || r.Code != "ValidationError" || !strings.Contains(r.Message, "may not exceed 1048576 bytes") {
		t.Errorf("1 MB and a byte: %s", r)
	}
}

package template

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

const sample = `
Parameters:
  Name: {Type: String, Default: sample}
  Flag: {Type: String, Default: false, AllowedValues: [true, false]}
  Zones: {Type: CommaDelimitedList, Default: 'a, b,c'}
  Count: {Type: Number, Default: 2, MinValue: 1, MaxValue: 5}
Mappings:
  M: {VPC: {CIDR: '10.0.0.0/16', List: [x, y]}}
Conditions:
  On: !Equals [!Ref Flag, true]
  Off: !Not [!Condition On]
  Both: !And [!Condition On, !Condition Off]
  Some: !Or [!Condition On, !Condition Off]
Resources:
  A: {Type: T, Properties: {P: 1}}
  B: {Type: T, Condition: On, Properties: {P: !Ref A}}
  C: {Type: T, DependsOn: [B, A], Properties: {P: !If [On, !Ref B, !GetAtt A.Arn]}}
Outputs:
  O: {Value: !Ref A}
  N: {Value: !Ref B, Condition: On}
`

func evaluator(t *testing.T, given map[string]string) *Evaluator {
	t.Helper()
	tpl, err := Parse(sample)
	if err != nil {
		t.Fatal(err)
	}
	params, err := tpl.ResolveParameters(given, Lookup{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := tpl.Evaluate(Env{
		AccountID: "000000000000", Region: "eu-west-1", Partition: "aws", StackName: "s", StackID: "arn:stack", Parameters: params,
		Zones: func(r string) ([]string, error) { return []string{r + "a", r + "b"}, nil },
		Import: func(name string) (*Value, error) {
			if name == "exp" {
				return Text("imported"), nil
			}
			return nil, &Error{"No export named " + name + " found."}
		},
		Reference: func(id, attribute string) (*Value, error) {
			if attribute == "New" {
				return &Value{Kind: Unknown, Text: id + ".New"}, nil
			}
			return Text(strings.TrimSuffix(id+"-"+attribute, "-")), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestFunctions(t *testing.T) {
	e := evaluator(t, nil)
	const join = "Template error: " + joinForm
	for text, want := range map[string]string{
		"!Ref Name":               `"sample"`,
		"!Ref Zones":              `["a","b","c"]`,
		"!Ref Count":              `"2"`,
		"!Ref AWS::URLSuffix":     `"amazonaws.com"`,
		"!Ref AWS::NoValue":       `null`,
		"[1, !Ref AWS::NoValue]":  `[1]`,
		"{a: !Ref AWS::NoValue}":  `{}`,
		"!GetAtt A.Outputs.Vpc":   `"A-Outputs.Vpc"`,
		"!GetAtt [A, Outputs, V]": `"A-Outputs.V"`,
		"!Sub '${Name}-${AWS::Region}-${A.Arn}-${!Lit}-$x'": `"sample-eu-west-1-A-Arn-${Lit}-$x"`,
		"!Sub ['${V}/${Name}', {V: !Ref Count}]":            `"2/sample"`,
		"!Sub '${Zones}'":                                   "Template error: variable Zones in Fn::Sub expression does not resolve to a string",
		"!Sub '${a b}'":                                     "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons",
		"!Sub '${A.New}/x'":                                 `"{{changeSet:KNOWN_AFTER_APPLY}}"`,
		"!Join [':', !Ref Zones]":                           `"a:b:c"`,
		"!Join ['', [a, !Ref AWS::NoValue, 1]]":             `"a1"`,
		"!Join [a]":                                         join,
		"!Join ['', x]":                                     join,
		"!Join ['', [[x]]]":                                 join,
		"!Split [',', 'a,b,']":                              `["a","b",""]`,
		"!Split [',', !ImportValue exp]":                    `["imported"]`,
		"!Select ['1', !GetAZs {Ref: 'AWS::Region'}]":       `"eu-west-1b"`,
		"!Select [0, !GetAZs '']":                           `"eu-west-1a"`,
		"!Select [9, [a]]":                                  "Template error: Fn::Select cannot select nonexistent value at index 9",
		"!Select [x, [a]]":                                  "Template error: " + selectForm,
		"!FindInMap [M, VPC, CIDR]":                         `"10.0.0.0/16"`,
		"!FindInMap [M, VPC, List]":                         `["x","y"]`,
		"!FindInMap [M, !Sub 'V${AWS::NoValue}', X]":        "Template error: variable AWS::NoValue in Fn::Sub expression does not resolve to a string",
		"!FindInMap [M, VPX, CIDR]":                         "Template error: Unable to get mapping for M::VPX::CIDR",
		"!If [Off, yes, no]":                                `"yes"`,
		"!If [Both, 1, !Ref AWS::NoValue]":                  `null`,
		"!If [Nope, 1, 2]":                                  "Template error: unresolved condition dependency Nope in Fn::If",
		"!Cidr ['10.0.0.0/16', 3, 8]":                       `["10.0.0.0/24","10.0.1.0/24","10.0.2.0/24"]`,
		"!Cidr ['10.0.0.0/24', 4, 6]":                       `["10.0.0.0/26","10.0.0.64/26","10.0.0.128/26","10.0.0.192/26"]`,
		"!Cidr ['2001:db8::/56', 2, 64]":                    `["2001:db8::/64","2001:db8:0:1::/64"]`,
		"!Cidr ['10.0.0.0/24', 5, 6]":                       "Template error: Fn::Cidr: block 10.0.0.0/24 does not hold 5 blocks of /26",
		"!Base64 hi":                                        `"aGk="`,
		"!ImportValue {Fn::Join: ['', [e, xp]]}":            `"imported"`,
		"!ImportValue gone":                                 "No export named gone found.",
		"!GetAtt A":                                         "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute",
		"!Length [1]":                                       "Template error: Encountered unsupported function: Fn::Length Supported functions are: [Fn::Base64, Fn::GetAtt, Fn::GetAZs, Fn::ImportValue, Fn::Join, Fn::Split, Fn::FindInMap, Fn::Select, Ref, Fn::Equals, Fn::If, Fn::Not, Condition, Fn::And, Fn::Or, Fn::Contains, Fn::EachMemberEquals, Fn::EachMemberIn, Fn::ValueOf, Fn::ValueOfAll, Fn::RefAll, Fn::Sub, Fn::Cidr]",
		"{Effect: Allow, Condition: {StringEquals: {'aws:x': !Ref AWS::AccountId}}}": `{"Effect":"Allow","Condition":{"StringEquals":{"aws:x":"000000000000"}}}`,
	} {
		v, err := Read("X: " + text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		got, err := e.Value(v.Get("X"))
		if err != nil {
			if err.Error() != want {
				t.Errorf("%s: %v, want %s", text, err, want)
			}
			continue
		}
		if got.JSON() != want {
			t.Errorf("%s = %s, want %s", text, got.JSON(), want)
		}
	}
}

func TestConditionsPruneTheGraph(t *testing.T) {
	e := evaluator(t, nil)
	graph, err := e.Dependencies()
	if err != nil {
		t.Fatal(err)
	}
	if len(graph) != 2 || !slices.Equal(graph["C"], []string{"A"}) || len(e.Outputs()) != 1 {
		t.Errorf("off: %v", graph)
	}
	e = evaluator(t, map[string]string{"Flag": "true"})
	if graph, _ = e.Dependencies(); len(graph) != 3 || !slices.Equal(graph["C"], []string{"B", "A"}) || len(e.Outputs()) != 2 {
		t.Errorf("on: %v", graph)
	}
}

func TestEvaluateErrors(t *testing.T) {
	for text, want := range map[string]string{
		"Conditions: {N: !Equals [a, b]}\nResources: {A: {Type: T, Condition: N}, B: {Type: T, Properties: {P: !Ref A}}}":                     "Template format error: Unresolved resource dependencies [A] in the Resources block of the template",
		"Conditions: {N: !Equals [a, b]}\nResources: {A: {Type: T, Condition: N}, B: {Type: T}}\nOutputs: {O: {Value: !Ref A}}":               "Unresolved resource dependencies [A] in the Outputs block of the template",
		"Conditions: {N: !Not [!Condition O], O: !Not [!Condition N]}\nResources: {B: {Type: T}}":                                             "Template format error: Circular dependency between conditions: [N, O]",
		"Conditions: {N: !Equals [a]}\nResources: {B: {Type: T}}":                                                                             "Template error: every Fn::Equals object requires a list of 2 string parameters.",
		"Resources: {A: {Type: T, Properties: {P: !Ref B}}, B: {Type: T, DependsOn: C}, C: {Type: T, DependsOn: A}, D: {Type: T}}":            "Circular dependency between resources: [A, B, C]",
		"Rules: {R: {Assertions: [{Assert: {Fn::Not: [{Fn::Contains: [[a, b], a]}]}, AssertDescription: not a}]}}\nResources: {B: {Type: T}}": "Template validation error: Rules failed: [not a]",
		"Resources: {A: {Type: T, Properties: {P: !Ref A}}}":                                                                                  "Circular dependency between resources: [A]",
	} {
		tpl, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		e, err := tpl.Evaluate(Env{})
		if err == nil {
			_, err = e.Dependencies()
		}
		if err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestParameters(t *testing.T) {
	look := Lookup{
		Stored: func(name string) (string, error) {
			if name == "/v" {
				return "6", nil
			}
			return "", &Error{"no " + name}
		},
		Exists: func(typ, id string) (bool, error) { return id == "vpc-1", nil },
	}
	for _, c := range []struct{ definition, value, want string }{
		{"Type: String", "x", `"x"`},
		{"Type: Number", "1.5", `"1.5"`},
		{"Type: Number", "x", "Parameter 'P' must be a number."},
		{"Type: Number, MaxValue: 3", "4", "Parameter 'P' must be a number not greater than 3"},
		{"Type: List<Number>", "1, 2", `["1","2"]`},
		{"Type: CommaDelimitedList", "", `[]`},
		{"Type: String, MinLength: '3'", "ab", "Parameter 'P' must contain at least 3 characters"},
		{"Type: String, AllowedPattern: '[a-z]+'", "ab1", "Parameter 'P' must match pattern [a-z]+"},
		{"Type: String, AllowedPattern: '[a-z]+', ConstraintDescription: letters only", "1", "Parameter P failed to satisfy constraint: letters only"},
		{"Type: String, AllowedValues: [true, false]", "maybe", "Parameter 'P' must be one of AllowedValues"},
		{"Type: AWS::EC2::VPC::Id", "vpc-1", `"vpc-1"`},
		{"Type: List<AWS::EC2::VPC::Id>", "vpc-1, vpc-2", "Parameter validation failed: parameter value vpc-2 for parameter name P does not exist"},
		{"Type: AWS::SSM::Parameter::Value<String>", "/v", `"6"`},
		{"Type: AWS::SSM::Parameter::Value<String>", "/w", "no /w"},
	} {
		tpl, err := Parse("Parameters: {P: {" + c.definition + "}}\nResources: {B: {Type: T}}")
		if err != nil {
			t.Fatal(err)
		}
		got, err := tpl.ResolveParameters(map[string]string{"P": c.value}, look)
		if err != nil {
			if err.Error() != c.want {
				t.Errorf("%s %q: %v, want %s", c.definition, c.value, err, c.want)
			}
			continue
		}
		if text := got["P"].Value.JSON(); text != c.want {
			t.Errorf("%s %q: %s, want %s", c.definition, c.value, text, c.want)
		}
	}
	tpl, _ := Parse(sample)
	if _, err := tpl.ResolveParameters(map[string]string{"Z": "", "Y": ""}, look); err == nil || err.Error() != "Parameters: [Y, Z] do not exist in the template" {
		t.Error(err)
	}
}

func TestDynamicReferences(t *testing.T) {
	v, _ := Read("X: ['{{resolve:secretsmanager:arn:aws:secretsmanager:r:1:secret:s-AbCdEf:SecretString:key::}}', 'a{{resolve:ssm:/n:2}}b']")
	got, err := ResolveDynamic(v, func(d Dynamic) (string, error) {
		if d.Service == "ssm" {
			return "<" + d.Rest + ">", nil
		}
		id, key, stage, version := d.SecretParts()
		return strings.Join([]string{id, key, stage, version}, "|"), nil
	})
	if err != nil || got.Get("X").JSON() != `["arn:aws:secretsmanager:r:1:secret:s-AbCdEf|key||","a</n:2>b"]` {
		t.Errorf("%v %s", err, got.JSON())
	}
	if _, err := ResolveDynamic(v, func(Dynamic) (string, error) { return "", errors.New("no") }); err == nil {
		t.Error("the error of a reference was lost")
	}
}

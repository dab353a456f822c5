package template

import (
	"strings"
	"testing"
)

// extended reads a template with the language extensions and evaluates it.
func extended(t *testing.T, text string, given map[string]string) (*Template, *Evaluator, error) {
	t.Helper()
	doc, err := Read(text)
	if err != nil {
		t.Fatal(err)
	}
	if doc, err = Extend(doc, Known{Given: given, Env: Env{Region: "us-east-1"}}); err != nil {
		return nil, nil, err
	}
	tpl, err := New(doc)
	if err != nil {
		return nil, nil, err
	}
	params, err := tpl.ResolveParameters(given, Lookup{})
	if err != nil {
		return nil, nil, err
	}
	e, err := tpl.Evaluate(Env{Region: "us-east-1", Parameters: params})
	return tpl, e, err
}

const loops = `
Transform: AWS::LanguageExtensions
Parameters:
  Names: { Type: CommaDelimitedList, Default: "a,b-1" }
  Keep: { Type: String, Default: Retain }
Mappings:
  Sizes:
    us-east-1: { small: "1" }
  Zones:
    us-east-1: { list: [x, y] }
Conditions:
  Fn::ForEach::Conditions:
    - Name
    - !Ref Names
    - Is&{Name}: !Equals [!Ref Name, a]
Resources:
  Fn::ForEach::Groups:
    - Name
    - !Ref Names
    - Group&{Name}:
        Type: AWS::Logs::LogGroup
        DeletionPolicy: !Ref Keep
        Condition: Is&{Name}
        Properties:
          LogGroupName: !Sub "/app/${Name}/${AWS::Region}"
          Tags:
            - { Key: name, Value: !Ref Name }
  Fn::ForEach::Outer:
    - O
    - [P, Q]
    - Fn::ForEach::Inner:
        - I
        - !FindInMap [Zones, !Ref "AWS::Region", list]
        - T${O}${I}:
            Type: AWS::SNS::Topic
            Properties:
              Fn::ForEach::Properties:
                - Property
                - [TopicName, DisplayName]
                - ${Property}: ${O}-${I}
  Other:
    Type: AWS::SNS::Topic
    UpdateReplacePolicy: !FindInMap [Sizes, nowhere, small, {DefaultValue: Delete}]
    Properties:
      Count: !Length [!Ref Names, b]
      Sized: !FindInMap [Sizes, !Ref "AWS::Region", huge, {DefaultValue: !Sub "none of ${AWS::Region}"}]
      Real: !FindInMap [Sizes, !Ref "AWS::Region", small, {DefaultValue: "2"}]
      Text: !ToJsonString {a: !Ref Names, b: !Ref "AWS::NoValue", c: 1}
      First: !GetAtt [!Sub "Group${First}", Arn]
Outputs:
  Fn::ForEach::Outputs:
    - Name
    - [a]
    - Arn${Name}: { Value: !GetAtt ["Group${Name}", Arn] }
`

func TestLanguageExtensions(t *testing.T) {
	text := strings.NewReplacer(`!Length [!Ref Names, b]`, `!Length {Ref: Names}`, `!Sub "Group${First}"`, `!Join ["", [Group, a]]`).Replace(loops)
	tpl, e, err := extended(t, text, nil)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range tpl.Resources {
		ids = append(ids, r.LogicalID)
	}
	if got := strings.Join(ids, " "); got != "Groupa Groupb1 TPx TPy TQx TQy Other" {
		t.Errorf("resources %s", got)
	}
	if !e.Holds("Isa") || e.Holds("Isb1") {
		t.Error("conditions")
	}
	for id, want := range map[string]string{
		"Groupa":  `{"LogGroupName":"/app/a/us-east-1","Tags":[{"Key":"name","Value":"a"}]}`,
		"Groupb1": `{"LogGroupName":"/app/b-1/us-east-1","Tags":[{"Key":"name","Value":"b-1"}]}`,
		"TQx":     `{"TopicName":"Q-x","DisplayName":"Q-x"}`,
		"Other":   `{"Count":2,"Sized":"none of us-east-1","Real":"1","Text":"{\"a\":[\"a\",\"b-1\"],\"c\":1}","First":"{{changeSet:KNOWN_AFTER_APPLY}}"}`,
	} {
		r, _ := tpl.Resource(id)
		got, err := e.Value(r.Properties)
		if err != nil {
			t.Errorf("%s: %v", id, err)
		} else if got.JSON() != want {
			t.Errorf("%s: %s\nwant %s", id, got.JSON(), want)
		}
		if id == "Groupa" && r.DeletionPolicy != "Retain" || id == "Other" && r.UpdateReplacePolicy != "Delete" {
			t.Errorf("%s: policies %q %q", id, r.DeletionPolicy, r.UpdateReplacePolicy)
		}
	}
	if len(tpl.Outputs) != 1 || tpl.Outputs[0].Name != "Arna" {
		t.Errorf("outputs %+v", tpl.Outputs)
	}
	// With other names there is no group for Other to refer to.
	if _, _, err = extended(t, text, map[string]string{"Names": "x,y,z"}); err == nil || !strings.Contains(err.Error(), "Unresolved resource dependencies [Groupa]") {
		t.Errorf("with other parameters: %v", err)
	}
}

func TestExtensionsThatCannotBe(t *testing.T) {
	resources := "Resources:\n  R:\n    Type: AWS::SNS::Topic\n    Properties:\n      A: %s\n"
	for text, want := range map[string]string{
		"Resources:\n  Fn::ForEach::L:\n    - N\n    - [a, b]\n    - Same: {Type: T}\n":                    "duplicate key Same",
		"Resources:\n  Fn::ForEach::L: [N, text, {\"A${N}\": {Type: T}}]\n":                                "must be a list of strings",
		"Resources:\n  Fn::ForEach::L: [N, [a]]\n":                                                         "must be a list of an identifier",
		"Resources:\n  Fn::ForEach::L: [N, !GetAtt [R, List], {\"A${N}\": {Type: T}}]\n":                   "known before the stack is made",
		"Resources:\n  Fn::ForEach::L: [N, [a], {\"Fn::ForEach::M\": [N, [b], {\"A${N}\": {Type: T}}]}]\n": "that of another loop",
		"Resources:\n  R: {Type: T, DeletionPolicy: !GetAtt [X, Y]}\n":                                     "known before the stack is made",
		strings.Replace(resources, "%s", "!Length text", 1):                                                "Fn::Length needs a list",
		strings.Replace(resources, "%s", "!ToJsonString text", 1):                                          "Fn::ToJsonString needs an object",
		strings.Replace(resources, "%s", "!FindInMap [A, B, C]", 1):                                        "Unable to get mapping for A::B::C",
	} {
		tpl, e, err := extended(t, "Transform: AWS::LanguageExtensions\n"+text, nil)
		if err == nil {
			_, err = e.Value(tpl.Resources[0].Properties)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	plain, err := Parse(strings.Replace(resources, "%s", "!Length [a]", 1))
	if err != nil {
		t.Fatal(err)
	}
	e, err := plain.Evaluate(Env{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = e.Value(plain.Resources[0].Properties); err == nil || !strings.Contains(err.Error(), "Encountered unsupported function: Fn::Length") {
		t.Errorf("without the transform: %v", err)
	}
}

func TestLoopsAreBounded(t *testing.T) {
	text := `Transform: AWS::LanguageExtensions
Resources:
  "Fn::ForEach::A": [A, LIST, {"Fn::ForEach::B": [B, LIST, {"Fn::ForEach::C": [C, LIST, {"Fn::ForEach::D": [D, LIST, {"T${A}x${B}x${C}x${D}": {Type: T}}]}]}]}]
`
	list := "[" + strings.TrimSuffix(strings.Repeat("x,", 100), ",") + "]"
	for i := range 100 {
		list = strings.Replace(list, "x", itoa(i), 1)
	}
	if _, _, err := extended(t, strings.ReplaceAll(text, "LIST", list), nil); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("%v", err)
	}
}

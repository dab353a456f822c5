package template

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/testenv"
)

func TestScalarsKeepTheirSpelling(t *testing.T) {
	v, err := Read("A: 010\nB: 2010-09-09\nC: yes\nD: 012345678901\nE: 1e3\nF: 10.20\nG: true\nH: !Ref AWS::Region\nI: a b\n   c\nA: last\n12: n\nJ: !GetAtt\n  - X\n  - Y\nK: |\n  one\n  two\n")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"A": `"last"`, "B": `"2010-09-09"`, "C": `"yes"`, "D": `"012345678901"`, "E": "1e3", "F": "10.20", "G": "true",
		"H": `{"Ref":"AWS::Region"}`, "I": `"a b c"`, "12": `"n"`, "J": `{"Fn::GetAtt":["X","Y"]}`, "K": `"one\ntwo\n"`,
	} {
		if got := v.Get(key).JSON(); got != want {
			t.Errorf("%s = %s, want %s", key, got, want)
		}
	}
	if v.Entries[0].Line != 11 || v.Get("J").Line != 13 {
		t.Errorf("lines: A %d, J %d", v.Entries[0].Line, v.Get("J").Line)
	}
	if n, _ := Read("A: 010\n"); n.Get("A").JSON() != `"010"` || n.Get("A").Kind != Number {
		t.Errorf("010 = %s", n.Get("A").JSON())
	}
}

func TestJSONPositions(t *testing.T) {
	v, err := Read("{\n \"A\": {\"B\": [1,\n  true]},\n \"A\": {\"C\":\n 012}}")
	if err == nil {
		t.Fatalf("read %s", v.JSON())
	}
	if want := "Template format error: JSON not well-formed. (line 5, column 2)"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	v, err = Read("{\n \"A\": 1,\n \"A\": {\"B\":\n [1.50]}}")
	if err != nil || v.JSON() != `{"A":{"B":[1.50]}}` || v.Get("A").Get("B").Line != 4 || v.Entries[0].Line != 3 {
		t.Errorf("%v %s", err, v.JSON())
	}
}

func TestExamples(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(testenv.Shared(t, "examples", "isolated-vpc"), "*.yml"))
	if len(files) != 4 {
		t.Fatalf("found %v", files)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(string(text)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestFormatErrors(t *testing.T) {
	const fine = "\nResources: {A: {Type: 'AWS::S3::Bucket'}}"
	deep := strings.Repeat("[", 200) + strings.Repeat("]", 200)
	for text, want := range map[string]string{
		"":                                      "Template format error: unsupported structure.",
		"just text":                             "Template format error: unsupported structure.",
		"A: [1":                                 "Template format error: YAML not well-formed. (line 1, column 1)",
		"Resources: &x {}\nA: *x":               "Template format error: YAML aliases are not allowed in CloudFormation templates",
		"A: " + deep:                            "Template format error: unsupported structure.",
		"{\"A\": " + deep + "}":                 "Template format error: unsupported structure.",
		strings.Repeat("- ", 5000):              "Template format error: unsupported structure.",
		"A: !Foo b":                             "Template format error: YAML not well-formed. (line 1, column 4)",
		"{}":                                    "Template format error: At least one Resources member must be defined.",
		"Resources: {}":                         "Template format error: At least one Resources member must be defined.",
		"Resources: {A: b}":                     "Template format error: Any Resources member must be an object.",
		"Resources: {A: {}}":                    "Template format error: [/Resources/A] Every Resources object must contain a Type member.",
		"Resources: {A-b: {Type: X}}":           "Template format error: Resource name A-b is non alphanumeric.",
		"Resources: {A: {Type: X, Invalid: 1}}": "Invalid template resource property 'Invalid'",
		"Resources: {A: {Type: X, Properties: {P: [{Q: null}]}}}": "[/Resources/A/Properties/P/0/Q] 'null' values are not allowed in templates",
		"Foo: 1" + fine:                                                                       "Invalid template property or properties [Foo]",
		"Outputs: {O: {Description: x}}" + fine:                                               "Template format error: Every Outputs member must contain a Value object",
		"Outputs: {O: {Value: null}}" + fine:                                                  "[/Outputs/O/Value] 'null' values are not allowed in templates",
		"Outputs: {O: {Value: !Ref Zed}}" + fine:                                              "Unresolved resource dependencies [Zed] in the Outputs block of the template",
		"Mappings: {A: b}" + fine:                                                             "Template format error: Every Mappings member A must be a map",
		"Mappings: {A: {B: {C: {D: e}}}}" + fine:                                              "Template format error: Every Mappings attribute must be a String or a List.",
		"Parameters: {A-b: {Type: String}}" + fine:                                            "Template format error: Parameter name A-b is non alphanumeric.",
		"Parameters: {A: {Type: Strong}}" + fine:                                              "Template format error: Unrecognized parameter type: Strong",
		"Transform: {Name: {a: b}}" + fine:                                                    "Key Name of transform definition must be a string.",
		"Resources: {A: {Type: X, Properties: {P: !Ref Zed}}}":                                "Template format error: Unresolved resource dependencies [Zed] in the Resources block of the template",
		"Resources: {A: {Type: X, Properties: {P: !Sub '${Zed.Arn}'}}}":                       "Template format error: Unresolved resource dependencies [Zed] in the Resources block of the template",
		"Resources: {A: {Type: X, DependsOn: B}}":                                             "Template format error: Unresolved resource dependencies [B] in the Resources block of the template",
		"Resources: {A: {Type: X, Properties: {P: !If [C, 1, 2]}}}":                           "Template error: unresolved condition dependency C in Fn::If",
		"Conditions: {C: !Equals [!Ref A, x]}" + fine:                                         "Template format error: Unresolved dependencies [A]. Cannot reference resources in the Conditions block of the template",
		"AWSTemplateFormatVersion: 2011-01-01" + fine:                                         "Template format error: 2011-01-01 is not a supported value for AWSTemplateFormatVersion.",
		"Resources: {A: {Type: X, Properties: {P: {Fn::Join: ['', [a:b, arn:aws:s3:::x]]}}}}": "",
		"Resources: {A: {Type: X, Properties: {P: !GetAZs\n}}}":                               "[/Resources/A/Properties/P/Fn::GetAZs] 'null' values are not allowed in templates",
		"Resources:\n  A:\n    Type: X\n    Metadata: !GetAZs\n  B:\n    Type: Y":             "",
	} {
		_, err := Parse(text)
		switch {
		case want == "" && err != nil:
			t.Errorf("%.60q: %v", text, err)
		case want != "" && (err == nil || err.Error() != want):
			t.Errorf("%.60q\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestLargeDocuments(t *testing.T) {
	if _, err := Read(strings.Repeat("x", MaxURL+1)); err == nil {
		t.Error("a text over 1 MB was read")
	}
	var b strings.Builder
	b.WriteString("Resources:\n")
	for b.Len() < 900_000 {
		b.WriteString("  A: {Type: 'AWS::S3::Bucket', Properties: {BucketName: !Sub 'x-${AWS::Region}'}}\n")
	}
	if _, err := Parse(b.String()); err != nil {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{"A: !Ref B\n", "{\"A\": [1, true, null]}", "A: &a [*a]", "- - - ? : x", "A: |\n  x\n B: >-\n", "%YAML 1.1\n---\nA: 'b'", "{{{{", "!GetAZs\nA: !Sub\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := Read(text)
		if err != nil {
			return
		}
		again, err := Read("{\"x\":" + v.JSON() + "}")
		if err != nil {
			t.Fatalf("JSON of %q is not read: %v", text, err)
		}
		if again.Get("x").JSON() != v.JSON() {
			t.Fatalf("%q: %s became %s", text, v.JSON(), again.JSON())
		}
		_, _ = New(v) // must not panic
	})
}

package resource

import (
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/state"
)

func read(t *testing.T, text string) *template.Value {
	t.Helper()
	v, err := template.Read("X:\n " + strings.ReplaceAll(text, "\n", "\n "))
	if err != nil {
		t.Fatal(err)
	}
	return v.Get("X")
}

var sample = &Schema{Type: "AWS::X::Y", Properties: Properties{
	"Text": String, "Number": Integer, "Flag": Boolean, "Policy": Document, "List": Strings, "Must": String.Required().Replaces(),
	"Inner": Object(Properties{"FileSystemId": String, "Deep": ListOf(Object(Properties{"A": Integer}))}), "Map": MapOf(String),
}}

// Scalars become what the property holds, whichever way they are written.
func TestCheckCoerces(t *testing.T) {
	for text, want := range map[string]string{
		"{Must: 1, Text: 010}":                              `{"Must":"1","Text":"010"}`,
		"{Must: true, Number: '256'}":                       `{"Must":"true","Number":256}`,
		"{Must: x, Flag: 'True'}":                           `{"Must":"x","Flag":true}`,
		"{Must: x, List: a}":                                `{"Must":"x","List":["a"]}`,
		"{Must: x, List: [1, a]}":                           `{"Must":"x","List":["1","a"]}`,
		"{Must: x, Policy: '{\"A\": [1]}'}":                 `{"Must":"x","Policy":{"A":[1]}}`,
		"{Must: x, Inner: {FilesystemId: 1, Deep: {A: 5}}}": `{"Must":"x","Inner":{"FileSystemId":"1","Deep":[{"A":5}]}}`,
		"{Must: x, Map: {a: 1}}":                            `{"Must":"x","Map":{"a":"1"}}`,
	} {
		got, err := sample.Check("R", read(t, text))
		if err != nil || got.JSON() != want {
			t.Errorf("%s: %v %s, want %s", text, err, got.JSON(), want)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"{}":                                 "#: required key [Must] not found",
		"{Must: x,\n Colour: y}":             "#: extraneous key [Colour] is not permitted: Neargate does not carry out property Colour of type AWS::X::Y (line 3)",
		"{Must: x, text: y}":                 "extraneous key [text]",
		"{Must: [x]}":                        "#/Must: expected type: String, found: JSONArray",
		"{Must: x, Number: 1.5}":             "#/Number: expected type: Integer, found: Number",
		"{Must: x, Flag: maybe}":             "#/Flag: expected type: Boolean, found: String",
		"{Must: x, Policy: nothing}":         "#/Policy: expected type: JSONObject, found: String",
		"{Must: x, Inner: {Deep: [{B: 1}]}}": "Neargate does not carry out property Inner/Deep/0/B of type AWS::X::Y",
		"{Must: x, Inner: [1]}":              "#/Inner: expected type: JSONObject, found: JSONArray",
		"{Must: x, Map: 1}":                  "#/Map: expected type: JSONObject, found: Number",
		"{Must: x, List: {a: b}}":            "#/List: expected type: JSONArray, found: JSONObject",
	} {
		_, err := sample.Check("R", read(t, text))
		if err == nil || !strings.HasPrefix(err.Error(), "Properties validation failed for resource R with message: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if v, err := sample.Check("R", template.Object(template.Entry{Key: "Must", Value: &template.Value{Kind: template.Unknown}})); err != nil || !v.HasUnknown() {
		t.Errorf("an unknown value: %v", err)
	}
}

func TestEverySchemaIsWhole(t *testing.T) {
	for name, typ := range Types() {
		s := typ.Schema()
		if s.Type != name || !strings.HasPrefix(name, "AWS::") {
			t.Errorf("%s has the schema of %s", name, s.Type)
		}
		if s.Name != "" && s.Properties[s.Name].Recreation() != "Always" {
			t.Errorf("%s can be renamed in place", name)
		}
		for property, p := range s.Properties {
			if p.Kind == KindList && p.Of == nil {
				t.Errorf("%s.%s is a list of nothing", name, property)
			}
		}
	}
}

func TestBindATaskDefinition(t *testing.T) {
	v, err := taskDefinitionSchema.Check("T", read(t, `
Family: f
Cpu: 256
ContainerDefinitions:
  - Name: app
    Image: busybox
    Memory: '512'
    Essential: 'false'
    Environment: [{Name: A, Value: 010}]
    DockerLabels: {x: 1}
    LogConfiguration: {LogDriver: awslogs, Options: {mode: non-blocking}}
Volumes: [{Name: v, EFSVolumeConfiguration: {FilesystemId: fs-1}}]
`))
	if err != nil {
		t.Fatal(err)
	}
	in := &ecsapi.RegisterTaskDefinitionRequest{}
	if err := bind(v, in); err != nil {
		t.Fatal(err)
	}
	c := in.ContainerDefinitions[0]
	if in.Cpu != "256" || *c.Memory != 512 || *c.Essential || c.Environment[0].Value != "010" || c.DockerLabels["x"] != "1" ||
		c.LogConfiguration.Options["mode"] != "non-blocking" || in.Volumes[0].EfsVolumeConfiguration.FileSystemId != "fs-1" {
		t.Errorf("%+v", in)
	}
	if err := bind(read(t, "{Colour: x}"), in); err == nil {
		t.Error("an unknown property was bound")
	}
}

func TestNames(t *testing.T) {
	r := &Request{StackName: strings.Repeat("s", 60), LogicalID: strings.Repeat("L", 60), Token: "ABCDEFGHIJKL"}
	if name := r.Name(64); len(name) != 64 || !strings.HasSuffix(name, "-ABCDEFGHIJKL") || !strings.Contains(name, "s-L") {
		t.Errorf("%s has %d characters", name, len(name))
	}
	r.StackName, r.LogicalID = "env", "Bucket"
	if name := r.LowerName(63); name != "env-bucket-abcdefghijkl" {
		t.Error(name)
	}
}

func TestRules(t *testing.T) {
	for text, want := range map[string]rule{
		"{IpProtocol: -1, FromPort: 1, ToPort: 2, CidrIp: 0.0.0.0/0}":              {protocol: "-1", from: -1, to: -1, peer: "0.0.0.0/0"},
		"{IpProtocol: '6', FromPort: '80', ToPort: 80, CidrIpv6: '::/0'}":          {protocol: "tcp", from: 80, to: 80, peer: "::/0"},
		"{IpProtocol: UDP, FromPort: 53, ToPort: 53, SourceSecurityGroupId: sg-1}": {protocol: "udp", from: 53, to: 53, peer: "sg-1"},
		"{IpProtocol: icmp, SourcePrefixListId: pl-1}":                             {protocol: "icmp", from: -1, to: -1, peer: "pl-1"},
	} {
		if got := ruleOf(read(t, text), false); got != want {
			t.Errorf("%s = %+v, want %+v", text, got, want)
		}
	}
}

func TestSteady(t *testing.T) {
	deployment := func(rollout ecsapi.DeploymentRolloutState, definition string) ecsapi.Deployment {
		return ecsapi.Deployment{RolloutState: rollout, TaskDefinition: "arn:aws:ecs:r:a:task-definition/" + definition}
	}
	for name, c := range map[string]struct {
		service ecsapi.Service
		done    bool
		fails   bool
	}{
		"rolling":   {ecsapi.Service{Deployments: []ecsapi.Deployment{deployment("IN_PROGRESS", "f:2"), deployment("COMPLETED", "f:1")}}, false, false},
		"done":      {ecsapi.Service{DesiredCount: 2, RunningCount: 2, Deployments: []ecsapi.Deployment{deployment("COMPLETED", "f:2")}}, true, false},
		"short":     {ecsapi.Service{DesiredCount: 2, RunningCount: 1, Deployments: []ecsapi.Deployment{deployment("COMPLETED", "f:2")}}, false, false},
		"none":      {ecsapi.Service{Deployments: []ecsapi.Deployment{deployment("COMPLETED", "f:2")}}, true, false},
		"broken":    {ecsapi.Service{Deployments: []ecsapi.Deployment{deployment("FAILED", "f:2"), deployment("IN_PROGRESS", "f:1")}}, false, true},
		"old broke": {ecsapi.Service{Deployments: []ecsapi.Deployment{deployment("IN_PROGRESS", "f:2"), deployment("FAILED", "f:1")}}, false, false},
		"other":     {ecsapi.Service{DeploymentController: &ecsapi.DeploymentController{Type: "EXTERNAL"}}, true, false},
	} {
		done, err := stable(&c.service, "f:2")
		if done != c.done || (err != nil) != c.fails {
			t.Errorf("%s: %v %v", name, done, err)
		}
	}
}

func TestTagChange(t *testing.T) {
	r := &Request{
		Tags: []state.Tag{{Key: "stack", Value: "2"}, {Key: "both", Value: "stack"}}, PreviousTags: []state.Tag{{Key: "stack", Value: "1"}, {Key: "gone", Value: "x"}},
		Properties: read(t, "{Tags: [{Key: both, Value: own}]}"), Previous: read(t, "{Tags: [{Key: both, Value: own}]}"),
	}
	set, removed := r.tagChange()
	if len(set) != 1 || set[0] != (state.Tag{Key: "stack", Value: "2"}) || len(removed) != 1 || removed[0] != "gone" {
		t.Errorf("set %v, removed %v", set, removed)
	}
	if !isCode(wire.NewError("A.B", 400, "x"), "C", "A.B") || gone(wire.NewError("A", 400, "x"), "A") != nil {
		t.Error("codes")
	}
}

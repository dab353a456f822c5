package template

import (
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// shortTags are the YAML tags that stand for intrinsic functions.
var shortTags = map[string]string{
	"!Ref": "Ref", "!Condition": "Condition",
	"!GetAtt": "Fn::GetAtt", "!Sub": "Fn::Sub", "!Join": "Fn::Join", "!If": "Fn::If",
	"!Equals": "Fn::Equals", "!Not": "Fn::Not", "!And": "Fn::And", "!Or": "Fn::Or",
	"!FindInMap": "Fn::FindInMap", "!ImportValue": "Fn::ImportValue", "!Select": "Fn::Select",
	"!Split": "Fn::Split", "!Cidr": "Fn::Cidr", "!Base64": "Fn::Base64", "!GetAZs": "Fn::GetAZs",
	"!Transform": "Fn::Transform", "!Length": "Fn::Length", "!ToJsonString": "Fn::ToJsonString",
	"!Contains": "Fn::Contains", "!EachMemberEquals": "Fn::EachMemberEquals", "!EachMemberIn": "Fn::EachMemberIn",
	"!RefAll": "Fn::RefAll", "!ValueOf": "Fn::ValueOf", "!ValueOfAll": "Fn::ValueOfAll",
}

// parseYAML reads a YAML document. It goes through yaml/v3's nodes, not through
// goccy/go-yaml: that one splits the plain scalars of a flow map at every colon,
// and so reads {Fn::Join: [...]} and {Action: [s3:GetObject]} wrong.
func parseYAML(text string) (v *Value, err error) {
	defer func() {
		if recover() != nil { // the parser is not ours: its panics are the text's fault
			v, err = nil, formatError("YAML not well-formed.")
		}
	}()
	dec := yaml.NewDecoder(strings.NewReader(text))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		return nil, yamlMalformed(text, err)
	}
	if err := dec.Decode(&more); err == nil || doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, formatError("unsupported structure.")
	}
	p := yamlParser{}
	return p.value(doc.Content[0], 0)
}

var yamlLine = regexp.MustCompile(`line (\d+)`)

// yamlMalformed tells where the text is broken; the parser knows the line.
func yamlMalformed(text string, err error) error {
	if strings.TrimSpace(text) == "" || err.Error() == "EOF" {
		return formatError("unsupported structure.")
	}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ := strconv.Atoi(m[1])
		return formatError("YAML not well-formed. (line %d, column %d)", line, firstColumn(text, line))
	}
	return formatError("YAML not well-formed.")
}

// firstColumn returns the column in which the text of a line begins.
func firstColumn(text string, line int) int {
	lines := strings.Split(text, "\n")
	if line < 1 || line > len(lines) {
		return 1
	}
	return len(lines[line-1]) - len(strings.TrimLeft(lines[line-1], " ")) + 1
}

type yamlParser struct{ nodes int }

func (p *yamlParser) value(n *yaml.Node, depth int) (*Value, error) {
	if p.nodes++; depth > maxDepth || p.nodes > maxNodes {
		return nil, formatError("unsupported structure.")
	}
	v, err := p.untagged(n, depth)
	if err != nil {
		return nil, err
	}
	if name, ok := shortTags[n.Tag]; ok {
		return &Value{Kind: Map, Line: n.Line, Column: n.Column, Entries: []Entry{{Key: name, Line: n.Line, Value: v}}}, nil
	}
	if n.Tag != "" && n.Tag != "!" && !strings.HasPrefix(n.Tag, "!!") && !strings.HasPrefix(n.Tag, "tag:yaml.org,2002:") {
		return nil, malformedAt(n)
	}
	return v, nil
}

// untagged reads what stands behind a node's tag, if it has one.
func (p *yamlParser) untagged(n *yaml.Node, depth int) (*Value, error) {
	v := &Value{Line: n.Line, Column: n.Column}
	switch n.Kind {
	case yaml.MappingNode:
		return p.mapping(v, n, depth)
	case yaml.SequenceNode:
		v.Kind, v.Items = List, make([]*Value, 0, len(n.Content))
		for _, item := range n.Content {
			got, err := p.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			v.Items = append(v.Items, got)
		}
		return v, nil
	case yaml.AliasNode:
		return nil, formatError("YAML aliases are not allowed in CloudFormation templates")
	case yaml.ScalarNode:
		v.Kind, v.Text = scalarKind(n), n.Value
		switch v.Kind {
		case Bool:
			v.Text = strings.ToLower(v.Text)
		case Null:
			v.Text = ""
		}
		return v, nil
	}
	return nil, malformedAt(n)
}

// scalarKind says what a scalar is, from its spelling; quoted ones are strings.
// Dates are strings, and so is what has a tag of its own.
func scalarKind(n *yaml.Node) Kind {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return String
	}
	tag := n.ShortTag()
	if _, short := shortTags[n.Tag]; short {
		tag = (&yaml.Node{Kind: yaml.ScalarNode, Value: n.Value}).ShortTag()
	}
	switch tag {
	case "!!int", "!!float":
		if strings.ContainsAny(n.Value, "nN") { // .inf and .nan
			return String
		}
		return Number
	case "!!bool":
		return Bool
	case "!!null":
		return Null
	}
	return String
}

func (p *yamlParser) mapping(v *Value, n *yaml.Node, depth int) (*Value, error) {
	v.Kind = Map
	keys := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" {
			return nil, malformedAt(key)
		}
		item, err := p.value(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		v.put(keys, Entry{Key: key.Value, Line: key.Line, Value: item})
	}
	return v, nil
}

func malformedAt(n *yaml.Node) error {
	return formatError("YAML not well-formed. (line %d, column %d)", n.Line, n.Column)
}

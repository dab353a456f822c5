package suggest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// CloudFormation is the policy as a property of an AWS::IAM::Role; "" when
// nothing is needed.
func (p Policy) CloudFormation(name string) string {
	if len(p.Statements) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Policies:\n  - PolicyName: %s\n    PolicyDocument:\n      Version: '2012-10-17'\n      Statement:\n", name)
	list := func(indent, label string, values []string) {
		if len(values) == 1 {
			fmt.Fprintf(&b, "%s%s: %s\n", indent, label, yamlText(values[0]))
			return
		}
		fmt.Fprintf(&b, "%s%s:\n", indent, label)
		for _, v := range values {
			fmt.Fprintf(&b, "%s  - %s\n", indent, yamlText(v))
		}
	}
	const indent = "          "
	for _, s := range p.Statements {
		b.WriteString("        - Effect: Allow\n")
		list(indent, "Action", s.Actions)
		list(indent, "Resource", s.Resources)
		if len(s.Conditions) > 0 {
			b.WriteString(indent + "Condition:\n")
		}
		for _, operator := range slices.Sorted(maps.Keys(s.Conditions)) {
			b.WriteString(indent + "  " + operator + ":\n")
			for _, key := range slices.Sorted(maps.Keys(s.Conditions[operator])) {
				list(indent+"    ", key, s.Conditions[operator][key])
			}
		}
	}
	return b.String()
}

// yamlText quotes what is not a plain word.
func yamlText(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/_.-") == "" && s != "" && !strings.HasSuffix(s, ":") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// Terraform is the policy as a resource of the AWS provider for a role or user
// (kind); "" when nothing is needed.
func (p Policy) Terraform(kind, owner, name string) string {
	if len(p.Statements) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "resource \"aws_iam_%s_policy\" %s {\n  name   = %s\n  %s   = %s\n  policy = jsonencode({\n    Version = \"2012-10-17\"\n    Statement = [\n", kind, hclText(strings.ReplaceAll(name, "-", "_")), hclText(name), kind, hclText(owner))
	for _, s := range p.Statements {
		fmt.Fprintf(&b, "      {\n        Effect   = \"Allow\"\n        Action   = %s\n        Resource = %s\n", hclList(s.Actions), hclList(s.Resources))
		if len(s.Conditions) > 0 {
			b.WriteString("        Condition = {\n")
		}
		for _, operator := range slices.Sorted(maps.Keys(s.Conditions)) {
			fmt.Fprintf(&b, "          %s = {\n", operator)
			for _, key := range slices.Sorted(maps.Keys(s.Conditions[operator])) {
				fmt.Fprintf(&b, "            %s = %s\n", hclText(key), hclList(s.Conditions[operator][key]))
			}
			b.WriteString("          }\n")
		}
		if len(s.Conditions) > 0 {
			b.WriteString("        }\n")
		}
		b.WriteString("      },\n")
	}
	b.WriteString("    ]\n  })\n}\n")
	return b.String()
}

func hclList(values []string) string {
	if len(values) == 1 {
		return hclText(values[0])
	}
	var all []string
	for _, v := range values {
		all = append(all, hclText(v))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// hclText quotes a text; ${ and %{ would begin a template.
func hclText(s string) string {
	s = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "${", "$${", "%{", "%%{", "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s)
	return `"` + s + `"`
}

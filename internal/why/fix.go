package why

import (
	"strings"

	"github.com/neargate/neargate/internal/decision"
)

// snippet is one fix in the three languages; an empty text leaves one out.
type snippet struct{ cfn, hcl, cli string }

// add are the fixes that add something; it goes where the resource home is.
func (n names) add(home string, s snippet) []decision.Fix {
	target := "Resources of the template"
	if o := n.origin(home); o.Stack != "" {
		target += " of stack " + o.Stack
	}
	return fixes(s, target, "")
}

// set are the fixes that change a property of the resource home.
func (n names) set(home string, s snippet) []decision.Fix {
	target := "Properties of the resource that is " + home
	if o := n.origin(home); o.Stack != "" {
		target = "Properties of " + o.LogicalID + ", " + o.place()
	}
	return fixes(s, target, "the resource that is "+home)
}

func fixes(s snippet, cfn, hcl string) []decision.Fix {
	var out []decision.Fix
	for _, f := range []decision.Fix{
		{Lang: LangCloudFormation, Target: cfn, Text: s.cfn},
		{Lang: LangTerraform, Target: hcl, Text: s.hcl},
		{Lang: LangCLI, Text: s.cli},
	} {
		if f.Text != "" {
			out = append(out, f)
		}
	}
	return out
}

// refs is refFrom for a list, in the flow style of YAML.
func (n names) refs(ids []string, home string) string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = n.refFrom(id, home)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// hclList is a list of strings in HCL.
func hclList(list []string) string {
	if len(list) == 0 {
		return "[]"
	}
	return `["` + strings.Join(list, `", "`) + `"]`
}

// lines joins commands, one a line.
func lines(commands ...string) string { return strings.Join(commands, "\n") }

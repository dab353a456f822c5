package why

import (
	"fmt"
	"strings"

	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/state"
)

// Origin is where a resource came from, which says what language its fix is in.
type Origin struct {
	Tool      string // caller.CloudFormation, Terraform, CLI or SDK; "" when it is not known
	Stack     string // of CloudFormation: name of the stack,
	LogicalID string // the resource's name in its template,
	Line      int    // and its line there; 0 when it is not known
}

// origin finds where a resource came from, by its id or ARN.
func (n names) origin(id string) Origin {
	if r := n.resource(id); r != nil {
		return Origin{Tool: caller.CloudFormation, Stack: r.StackName, LogicalID: r.LogicalID, Line: n.line(r)}
	}
	return Origin{Tool: n.tool(id)}
}

// physical is what CloudFormation calls a resource that we know by ARN.
func physical(id string) string {
	switch {
	case strings.HasPrefix(id, "arn:aws:iam:"), strings.Contains(id, ":repository/"):
		return id[strings.LastIndex(id, "/")+1:]
	case strings.HasPrefix(id, "arn:aws:s3:::"):
		bucket, _, _ := strings.Cut(strings.TrimPrefix(id, "arn:aws:s3:::"), "/")
		return bucket
	}
	return id
}

// line is where a resource stands in the template that its stack was given.
func (n names) line(r *state.StackResource) int {
	s, ok := state.Stacks.Get(n.tx, state.Key(r.Account, r.Region, r.StackID))
	if !ok {
		return 0
	}
	doc, err := template.Read(s.Config.Template)
	if err != nil {
		return 0
	}
	resources := doc.Get("Resources")
	if resources == nil {
		return 0
	}
	for _, e := range resources.Entries {
		if e.Key == r.LogicalID {
			return e.Line
		}
	}
	return 0
}

// tool is the client that made a resource which no stack has.
func (n names) tool(id string) string {
	key := state.Key(n.account, n.region, id)
	kind, _, _ := strings.Cut(id, "-")
	switch kind {
	case "vpc":
		if r, ok := state.Vpcs.Get(n.tx, key); ok {
			return r.Tool
		}
	case "subnet":
		if r, ok := state.Subnets.Get(n.tx, key); ok {
			return r.Tool
		}
	case "rtb":
		if r, ok := state.RouteTables.Get(n.tx, key); ok {
			return r.Tool
		}
	case "sg":
		if r, ok := state.SecurityGroups.Get(n.tx, key); ok {
			return r.Tool
		}
	case "vpce":
		if r, ok := state.VpcEndpoints.Get(n.tx, key); ok {
			return r.Tool
		}
	}
	return n.toolOfARN(id)
}

func (n names) toolOfARN(id string) string {
	last := id[strings.LastIndex(id, "/")+1:]
	switch {
	case strings.Contains(id, ":role/"):
		if r, ok := state.Roles.Get(n.tx, state.IAMKey(n.account, last)); ok {
			return r.Tool
		}
	case strings.Contains(id, ":task-definition/"):
		if d := taskDefinition(n.tx, id); d != nil {
			return d.Tool
		}
	case strings.Contains(id, ":service/"):
		_, path, _ := strings.Cut(id, ":service/")
		if s, ok := state.Services.Get(n.tx, state.Key(n.account, n.region, path)); ok {
			return s.Tool
		}
	}
	return ""
}

// where names a resource and the place of its definition.
func (n names) where(id string) string {
	text := n.name(id)
	if o := n.origin(id); o.Stack != "" {
		text += ", " + o.place()
	}
	return text
}

// place is the resource's place in its stack's template.
func (o Origin) place() string {
	if o.Line == 0 {
		return "in stack " + o.Stack
	}
	return fmt.Sprintf("line %d of the template of stack %s", o.Line, o.Stack)
}

// rank orders the languages of fixes for a resource: its own first, then
// commands, which always work at once.
func (o Origin) rank(f decision.Fix) int {
	switch {
	case f.Lang == o.Language():
		return 0
	case f.Lang == LangCLI:
		return 1
	}
	return 2
}

// The languages of fixes.
const (
	LangCloudFormation = "cloudformation"
	LangTerraform      = "terraform"
	LangCLI            = "cli"
)

// Language is the language in which a fix of the resource belongs.
func (o Origin) Language() string {
	switch o.Tool {
	case caller.CloudFormation:
		return LangCloudFormation
	case caller.Terraform:
		return LangTerraform
	}
	return LangCLI
}

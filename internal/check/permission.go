package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/iam/managed"
	"github.com/neargate/neargate/internal/iam/policy"
)

// lack is what a role may not do and would have to, gathered over all tasks.
type lack struct {
	role      *planned
	code      string
	what      []string
	actions   []string
	resources []string
	says      string
	wrong     string // the task's other role, which may
}

// permission notes that the execution role was refused.
func (w *walk) permission(code, what string, actions []string, resource string, err error) {
	role := w.roleOf(w.def.ExecutionRoleARN)
	if role == nil {
		return
	}
	if d := w.instance.Refusal(); fact(d, "action") == "kms:Decrypt" {
		code, actions, resource = "iam.exec-kms", []string{"kms:Decrypt"}, fact(d, "resource")
	}
	w.lacking(role, code, what, actions, resource, err)
	if w.own != nil && !slices.ContainsFunc(actions, func(a string) bool { return w.instance.May(w.own, a, resource) != nil }) {
		if other := w.roleOf(w.def.TaskRoleARN); other != nil && other != role {
			w.lacks[role.label()+code].wrong = other.label()
		}
	}
}

// fact is a fact of a decision, "" when it has none of the name.
func fact(d decision.Decision, name string) string {
	for _, f := range d.Facts {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

func (c *checker) lacking(role *planned, code, what string, actions []string, resource string, err error) {
	key := role.label() + code
	l := c.lacks[key]
	if l == nil {
		l = &lack{role: role, code: code, says: err.Error()}
		c.lacks[key] = l
	}
	add := func(to *[]string, text string) {
		if !slices.Contains(*to, text) {
			*to = append(*to, text)
		}
	}
	add(&l.what, what)
	add(&l.resources, resource)
	for _, a := range actions {
		add(&l.actions, a)
	}
}

// permissions turns what was refused into findings, one per role and purpose.
func (c *checker) permissions() {
	for _, key := range slices.Sorted(maps.Keys(c.lacks)) {
		l := c.lacks[key]
		f := Finding{Severity: Error, Code: l.code, AWSSays: l.says, Fix: c.permissionFix(l)}
		purpose := "execution"
		if strings.HasPrefix(l.code, "exec.") {
			purpose = "task"
		}
		f.Message = fmt.Sprintf("the %s role %s may not %s: no policy of it allows %s", purpose, l.role.label(), strings.Join(l.what, ", "), strings.Join(l.actions, ", "))
		if l.wrong != "" {
			f.Code = "iam.wrong-role"
			f.Message += fmt.Sprintf("; the task role %s allows it, but it is the execution role that needs it", l.wrong)
		}
		property := "Policies"
		if l.role.get("Policies") == nil && l.role.get("ManagedPolicyArns") != nil {
			property = "ManagedPolicyArns"
		}
		c.findAt(l.role, f, property)
	}
}

const executionPolicy = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"

// enough reports whether AWS's policy for execution roles allows all of the actions.
func enough(actions []string) bool {
	p, ok := managed.Get(executionPolicy)
	if !ok {
		return false
	}
	document, err := policy.Parse(p.Document, policy.Managed)
	if err != nil {
		return false
	}
	set := policy.Set{Identity: []policy.Source{{Name: p.Name, Document: document}}}
	return !slices.ContainsFunc(actions, func(a string) bool {
		req := policy.Request{Principal: policy.Principal{Account: "000000000000", ARN: "arn:aws:iam::000000000000:role/x"}, Action: a, Resource: "*", Context: policy.Keys{}}
		return !policy.Evaluate(&req, &set).Allowed
	})
}

// permissionFix is the managed policy when that is enough, else one statement.
func (c *checker) permissionFix(l *lack) Fix {
	tf := l.role.Stack.Lang == terraformLang
	name := "needed"
	switch {
	case enough(l.actions) && tf:
		return Fix{Lang: terraformLang, Text: fmt.Sprintf("resource \"aws_iam_role_policy_attachment\" \"execution\" {\n  role       = %s.name\n  policy_arn = %q\n}", l.role.Name, executionPolicy)}
	case enough(l.actions):
		return Fix{Lang: cloudFormation, Target: "Properties of " + l.role.label(), Text: "ManagedPolicyArns:\n  - " + executionPolicy}
	case tf:
		return Fix{Lang: terraformLang, Text: fmt.Sprintf("resource \"aws_iam_role_policy\" %q {\n  role = %s.name\n  policy = jsonencode({\n    Version   = \"2012-10-17\"\n    Statement = [{ Effect = \"Allow\", Action = %s, Resource = [%s] }]\n  })\n}",
			name, l.role.Name, quotedList(l.actions), strings.Join(c.references(l.role.Stack, l.resources), ", "))}
	}
	return Fix{Lang: cloudFormation, Target: "Properties of " + l.role.label(), Text: "Policies:\n  - PolicyName: " + name +
		"\n    PolicyDocument:\n      Version: '2012-10-17'\n      Statement:\n        - Effect: Allow\n          Action: [" + strings.Join(l.actions, ", ") +
		"]\n          Resource: [" + strings.Join(c.references(l.role.Stack, l.resources), ", ") + "]"}
}

func quotedList(all []string) string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = fmt.Sprintf("%q", s)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// references are ids as a source of a scope writes them.
func (c *checker) references(s *scope, ids []string) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = c.reference(s, id)
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Compare(a, b) })
	return out
}

// reference is an id as a source writes it: by a resource of the same scope, or
// by the parameter that brings it in; quoted when it is neither.
func (c *checker) reference(s *scope, id string) string {
	p, ok := c.byID[id]
	if d, came := c.defaults[id]; came && s.Lang == terraformLang {
		return d.of.Name + ".default_" + map[string]string{"DefaultSecurityGroup": "security_group_id", "DefaultNetworkAcl": "network_acl_id"}[d.name]
	} else if came {
		return "!GetAtt " + d.of.Name + "." + d.name
	}
	switch {
	case ok && s.Lang == terraformLang:
		attribute := ".id"
		if strings.HasPrefix(id, "arn:") {
			attribute = ".arn"
		}
		return p.Name + attribute
	case ok && p.Stack == s:
		return "!Ref " + p.Name
	case s.Lang == cloudFormation && s.Parameters[id] != "":
		return "!Ref " + s.Parameters[id]
	case s.Lang == terraformLang:
		return fmt.Sprintf("%q", id)
	}
	return "'" + id + "'"
}

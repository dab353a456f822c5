// Package stackpolicy is the policy of a CloudFormation stack: what an update may
// do to which of its resources.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html
package stackpolicy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// MaxSize is how large a policy may be, in bytes.
const MaxSize = 16_384

// Action is what an update does to a resource.
type Action string

// The actions.
const (
	Modify  Action = "Update:Modify"
	Replace Action = "Update:Replace"
	Delete  Action = "Update:Delete"
)

// Policy is a stack's policy. The zero value allows everything.
type Policy struct{ statements []statement }

type statement struct {
	Effect      string
	Principal   any
	Action      texts
	NotAction   texts
	Resource    texts
	NotResource texts
	Condition   map[string]map[string]texts
}

// texts is a text or a list of texts.
type texts []string

// UnmarshalJSON implements json.Unmarshaler.
func (t *texts) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(t))
}

var errInvalid = errors.New("Error validating stack policy: Invalid stack policy")

const resourcePrefix = "LogicalResourceId/"

// Parse reads a policy; "" is the policy that allows everything.
func Parse(text string) (Policy, error) {
	var p Policy
	if text == "" {
		return p, nil
	}
	var doc struct{ Version, ID, Statement json.RawMessage }
	if len(text) > MaxSize || strict([]byte(text), &doc) != nil {
		return p, errInvalid
	}
	raw := bytes.TrimSpace(doc.Statement)
	if len(raw) > 0 && raw[0] == '{' {
		raw = slices.Concat([]byte("["), raw, []byte("]"))
	}
	if len(raw) == 0 || strict(raw, &p.statements) != nil || len(p.statements) == 0 {
		return Policy{}, errInvalid
	}
	for _, s := range p.statements {
		if !s.valid() {
			return Policy{}, errInvalid
		}
	}
	return p, nil
}

func strict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return errInvalid
	}
	return nil
}

func (s statement) valid() bool {
	if s.Effect != "Allow" && s.Effect != "Deny" || !everybody(s.Principal) {
		return false
	}
	if (s.Action == nil) == (s.NotAction == nil) || (s.Resource == nil) == (s.NotResource == nil) {
		return false
	}
	for _, a := range slices.Concat(s.Action, s.NotAction) {
		if !slices.Contains([]string{"Update:*", "*", string(Modify), string(Replace), string(Delete)}, a) {
			return false
		}
	}
	for _, r := range slices.Concat(s.Resource, s.NotResource) {
		if _, err := path.Match(r, ""); err != nil || r != "*" && !strings.HasPrefix(r, resourcePrefix) {
			return false
		}
	}
	for operator, keys := range s.Condition {
		if operator != "StringEquals" && operator != "StringLike" {
			return false
		}
		for key := range keys {
			if key != "ResourceType" {
				return false
			}
		}
	}
	return true
}

// everybody is the only principal that there is: * or {"AWS": "*"}.
func everybody(principal any) bool {
	if m, ok := principal.(map[string]any); ok && len(m) == 1 {
		principal = m["AWS"]
	}
	return principal == "*"
}

// Check returns an error in CloudFormation's words where an update may not do
// something to a resource. What no statement allows is denied.
func (p Policy) Check(action Action, logicalID, resourceType string) error {
	if p.statements == nil {
		return nil
	}
	allowed := false
	for i, s := range p.statements {
		switch {
		case !s.covers(action, logicalID, resourceType):
		case s.Effect == "Deny":
			return fmt.Errorf("Action denied by stack policy: Statement [#%d] does not allow [%s] for resource [%s]", i+1, action, logicalID)
		default:
			allowed = true
		}
	}
	if !allowed {
		return fmt.Errorf("Action not allowed by stack policy: no statement allows [%s] for resource [%s]", action, logicalID)
	}
	return nil
}

func (s statement) covers(action Action, logicalID, resourceType string) bool {
	does := func(a string) bool { return a == "*" || a == "Update:*" || a == string(action) }
	is := func(r string) bool {
		fits, _ := path.Match(strings.TrimPrefix(r, resourcePrefix), logicalID) // the pattern was checked
		return r == "*" || fits
	}
	if slices.ContainsFunc(s.Action, does) != (s.Action != nil) || slices.ContainsFunc(s.NotAction, does) {
		return false
	}
	if slices.ContainsFunc(s.Resource, is) != (s.Resource != nil) || slices.ContainsFunc(s.NotResource, is) {
		return false
	}
	for operator, keys := range s.Condition {
		fits := func(want string) bool {
			if operator == "StringLike" {
				ok, _ := path.Match(want, resourceType)
				return ok
			}
			return want == resourceType
		}
		if !slices.ContainsFunc(keys["ResourceType"], fits) {
			return false
		}
	}
	return true
}

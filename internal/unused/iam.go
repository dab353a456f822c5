package unused

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/iam/managed"
	"github.com/neargate/neargate/internal/state"
)

// roles are those that nobody used, and the actions that the others were
// granted but never needed.
func (s *search) roles() {
	for role := range state.Roles.All(s.tx, state.Prefix(s.account, "")) {
		if role.LinkedService != "" {
			continue // AWS's own business
		}
		uses := s.access.Uses(s.tx, role.ID)
		if _, used := state.KeyUses.Get(s.tx, role.ARN()); !used && len(uses) == 0 {
			s.add(Finding{Kind: Role, ID: role.Name, What: "no request was made with it", Since: role.CreatedAt}, role.Name, "aws iam delete-role --role-name "+role.Name)
			continue
		}
		for _, inline := range role.Inline {
			for _, action := range NeverUsed(inline.Document, uses) {
				s.add(Finding{Kind: Permission, ID: role.Name + "/" + action, Name: action, What: fmt.Sprintf("role %s never used it; granted by the inline policy %s", role.Name, inline.Name), Since: role.CreatedAt},
					role.Name, "aws iam put-role-policy --role-name "+role.Name+" --policy-name "+inline.Name+" --policy-document ... # without "+action)
			}
		}
		for _, attached := range role.Attached {
			s.attached(role, attached, uses)
		}
	}
}

// attached looks at a managed policy: a customer's is taken apart, one of AWS's
// is only found when nothing of it was used.
func (s *search) attached(role *state.Role, arn string, uses []state.ActionUse) {
	for p := range state.Policies.By(s.tx, "arn", arn) {
		for _, action := range NeverUsed(p.Document(), uses) {
			s.add(Finding{Kind: Permission, ID: role.Name + "/" + action, Name: action, What: fmt.Sprintf("role %s never used it; granted by the policy %s", role.Name, p.Name), Since: role.CreatedAt},
				arn, "aws iam create-policy-version --policy-arn "+arn+" --set-as-default --policy-document ... # without "+action)
		}
		return
	}
	aws, ok := managed.Get(arn)
	if !ok || len(NeverUsed(aws.Document, uses)) < len(Grants(aws.Document)) {
		return
	}
	s.add(Finding{Kind: Permission, ID: role.Name + "/" + arn, Name: arn[strings.LastIndexByte(arn, '/')+1:], What: fmt.Sprintf("role %s used nothing of this policy", role.Name), Since: role.CreatedAt},
		role.Name, "aws iam detach-role-policy --role-name "+role.Name+" --policy-arn "+arn)
}

// NeverUsed are the actions that a policy grants and that were never allowed to
// anybody who has it.
func NeverUsed(document string, uses []state.ActionUse) []string {
	return slices.DeleteFunc(Grants(document), func(granted string) bool {
		return slices.ContainsFunc(uses, func(u state.ActionUse) bool {
			match, err := path.Match(strings.ToLower(granted), strings.ToLower(u.Action))
			return u.Allowed > 0 && match && err == nil
		})
	})
}

// Grants are the actions, as written, that the Allow statements of a policy name.
func Grants(document string) []string {
	var d struct{ Statement list[statement] }
	if json.Unmarshal([]byte(document), &d) != nil {
		return nil
	}
	var all []string
	for _, s := range d.Statement {
		if s.Effect == "Allow" {
			all = append(all, s.Action...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

type statement struct {
	Effect string
	Action list[string]
}

// list is a JSON list, or its only element.
type list[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (l *list[T]) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, (*[]T)(l)); err == nil {
		return nil
	}
	var one T
	err := json.Unmarshal(b, &one)
	*l = list[T]{one}
	return err
}

// secrets are those whose value nobody read.
func (s *search) secrets() {
	for secret := range state.Secrets.All(s.tx, s.prefix()) {
		if secret.AccessedAt.IsZero() && secret.DeletedAt.IsZero() {
			s.add(Finding{Kind: Secret, ID: secret.Name, What: "nobody read its value", Since: secret.CreatedAt}, secret.ARN(), "aws secretsmanager delete-secret --secret-id "+secret.Name)
		}
	}
}

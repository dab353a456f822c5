package iam

import (
	"net/url"
	"strings"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/iam/policy"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// checkDocument validates a document as AWS does when it is written.
func checkDocument(text string, kind policy.Kind) error {
	if _, err := policy.Parse(text, kind); err != nil {
		return malformedPolicy(err)
	}
	return nil
}

// checkTrust validates a trust policy, whose principals must exist.
func checkTrust(tx *store.Tx, text string) error {
	d, err := policy.Parse(text, policy.Trust)
	if err != nil {
		return malformedPolicy(err)
	}
	for _, p := range d.Principals() {
		if p[0] == "AWS" && !exists(tx, p[1]) {
			return malformedPolicy(&policy.Error{Message: `Invalid principal in policy: "AWS":"` + p[1] + `"`})
		}
	}
	if size(text) > maxTrustPolicy {
		return limitExceeded("Cannot exceed quota for ACLSizePerRole: %d", maxTrustPolicy)
	}
	return nil
}

// exists reports whether a principal of a trust policy is there. Accounts that
// are not ours are believed.
func exists(tx *store.Tx, principal string) bool {
	a, err := arn.Parse(principal)
	if err != nil {
		return true // "*", an account, the id of a deleted principal
	}
	if _, ours := state.Accounts.Get(tx, a.Account); !ours && a.Account != access.OperatorAccount {
		return true
	}
	name := principal[strings.LastIndexByte(principal, '/')+1:]
	switch a.Type() {
	case "role":
		role, ok := state.Roles.Get(tx, state.IAMKey(a.Account, name))
		return ok && role.ARN() == principal
	case "user":
		user, ok := state.Users.Get(tx, state.IAMKey(a.Account, name))
		return ok && user.ARN() == principal
	case "assumed-role":
		parts := strings.Split(a.Resource, "/")
		if len(parts) != 3 {
			return false
		}
		_, ok := state.Roles.Get(tx, state.IAMKey(a.Account, parts[1]))
		return ok
	}
	return a.Resource == "root"
}

// encoded is a document as IAM answers it: percent-encoded (RFC 3986).
func encoded(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}

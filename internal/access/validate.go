package access

import (
	"errors"

	"github.com/neargate/neargate/internal/iam/policy"
)

// ValidateResourcePolicy checks a policy that a service is about to put on a
// resource. The error's text is S3's; services that word it differently take
// their own.
func ValidateResourcePolicy(document string) error {
	d, err := policy.Parse(document, policy.Resource)
	if err == nil {
		if !d.HasPrincipals() {
			return errors.New("Missing required field Principal")
		}
		return nil
	}
	var bad *policy.Error
	if !errors.As(err, &bad) {
		return err
	}
	if text, ok := resourceTexts[bad.Reason]; ok {
		return errors.New(text)
	}
	return bad
}

var resourceTexts = map[policy.Reason]string{
	policy.InvalidJSON:  "Policies must be valid JSON and the first byte must be '{'",
	policy.Syntax:       "Invalid policy syntax.",
	policy.BadVersion:   "The policy must contain a valid version string",
	policy.BadAction:    "Policy has invalid action",
	policy.BadResource:  "Policy has invalid resource",
	policy.BadPrincipal: "Invalid principal in policy",
	policy.BadCondition: "Policy has an invalid condition",
}

// closed stands for a policy of a resource or endpoint that cannot be read: it
// lets nobody in. Services validate policies when they take them, so it is seen
// only when an older Neargate was less strict.
var closed = func() *policy.Document {
	d, err := policy.Parse(`{"Version":"2012-10-17","Statement":[{"Sid":"Unreadable","Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}`, policy.Resource)
	if err != nil {
		panic(err) // a constant
	}
	return d
}()

// source compiles the policy of a resource or endpoint.
func (p *policies) source(kind policy.Kind, name, text string) *policy.Source {
	d, err := p.compiled(kind, text)
	if err != nil {
		return &policy.Source{Name: name + " (its policy cannot be read: " + err.Error() + ")", Document: closed}
	}
	return &policy.Source{Name: name, Document: d}
}

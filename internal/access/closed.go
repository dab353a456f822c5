package access

import "github.com/neargate/neargate/internal/iam/policy"

// closed stands for a policy of a resource or endpoint that cannot be read: it
// lets nobody in. Services validate policies when they take them, so it is seen
// only when an older Neargate was less strict.
var closed = constant(`{"Version":"2012-10-17","Statement":[{"Sid":"Unreadable","Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}`, policy.Resource)

// constant compiles a document of ours.
func constant(text string, kind policy.Kind) *policy.Document {
	d, err := policy.Parse(text, kind)
	if err != nil {
		panic(err)
	}
	return d
}

// source compiles the policy of a resource or endpoint.
func (p *policies) source(kind policy.Kind, name, text string) *policy.Source {
	d, err := p.compiled(kind, text)
	if err != nil {
		return &policy.Source{Name: name + " (its policy cannot be read: " + err.Error() + ")", Document: closed}
	}
	return &policy.Source{Name: name, Document: d}
}

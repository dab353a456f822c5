package access

import "github.com/neargate/neargate/internal/iam/policy"

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

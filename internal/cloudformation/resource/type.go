package resource

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/state"
)

// Type is a resource type. Its methods may be called again with the same
// request when the process ended before their result was recorded.
type Type interface {
	Schema() *Schema
	// Create makes the resource and returns when it is ready for use.
	Create(ctx context.Context, r *Request) (Result, error)
	// Update changes a resource in place, from r.Previous to r.Properties.
	Update(ctx context.Context, r *Request) (Result, error)
	// Delete deletes the resource r.PhysicalID; one that is gone is no error.
	Delete(ctx context.Context, r *Request) error
}

// Result is what a resource has become.
type Result struct {
	PhysicalID string                     // what Ref returns
	Attributes map[string]*template.Value // what Fn::GetAtt returns; nil after an Update: what it returned before
}

// Request is one piece of work on a resource.
type Request struct {
	Account, Region     string
	StackID, StackName  string
	LogicalID, TypeName string
	Token               string // random and fixed for this physical resource
	Retry               bool   // an earlier attempt may have made it
	PhysicalID          string // "" until known
	Replaces            string // physical id of the resource that this one will replace
	Properties          *template.Value
	Previous            *template.Value // Update: the properties as they are; nil on Create
	Tags                []state.Tag     // of the stack
	PreviousTags        []state.Tag     // Update: the tags as they are
	Invoker             wire.Invoker

	// Created records the physical id; the resource is then configured further
	// and waited for.
	Created func(physicalID string) error
	// Wait returns when done says so, fails, or the stack's operation is
	// cancelled. done is asked whenever something may have changed.
	Wait func(ctx context.Context, done func(context.Context) (bool, error)) error
	// Peers returns the other resources of all stacks of the account and region.
	Peers func() []Peer
}

// Peer is a resource of some stack.
type Peer struct {
	Type, PhysicalID   string
	StackID, LogicalID string
	Properties         *template.Value
}

// Failure is a handler's own failure, with the HandlerErrorCode that
// CloudFormation shows for it.
type Failure struct {
	Code    string
	Message string
}

// Error returns the message.
func (f *Failure) Error() string { return f.Message }

// Name returns the name that CloudFormation gives a resource without one:
// StackName-LogicalId-RANDOM, of at most limit characters.
func (r *Request) Name(limit int) string {
	stack, logical := r.StackName, r.LogicalID
	room := limit - len(r.Token) - 2
	if len(stack)+len(logical) > room {
		logical = logical[:min(len(logical), room/2)]
		stack = stack[:min(len(stack), room-len(logical))]
	}
	return stack + "-" + logical + "-" + r.Token
}

// LowerName is Name in lower case, for buckets and repositories.
func (r *Request) LowerName(limit int) string { return strings.ToLower(r.Name(limit)) }

// Text returns a string property, "" when absent.
func (r *Request) Text(name string) string { return r.Properties.Get(name).Str() }

// Or returns a string property, or otherwise when it is absent.
func (r *Request) Or(name, otherwise string) string {
	if v := r.Properties.Get(name); v != nil {
		return v.Str()
	}
	return otherwise
}

// Flag returns a boolean property, nil when absent.
func (r *Request) Flag(name string) *bool { return flag(r.Properties.Get(name)) }

func flag(v *template.Value) *bool {
	if v == nil {
		return nil
	}
	is := v.Text == "true"
	return &is
}

// Changed reports whether an update changes a property.
func (r *Request) Changed(name string) bool {
	return !template.Equal(r.Properties.Get(name), r.Previous.Get(name))
}

// list returns the elements of a list of strings.
func list(v *template.Value) []string {
	if v == nil {
		return nil
	}
	out := make([]string, 0, len(v.Items))
	for _, item := range v.Items {
		out = append(out, item.Str())
	}
	return out
}

// difference returns what is in a and not in b.
func difference(a, b []string) []string {
	var out []string
next:
	for _, x := range a {
		for _, y := range b {
			if x == y {
				continue next
			}
		}
		out = append(out, x)
	}
	return out
}

// attributes makes a map of string attributes: name, value, name, value ...
func attributes(pairs ...string) map[string]*template.Value {
	out := map[string]*template.Value{}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[pairs[i]] = template.Text(pairs[i+1])
	}
	return out
}

// isCode reports whether an error of a service has one of the codes.
func isCode(err error, codes ...string) bool {
	e, ok := err.(wire.Error)
	if !ok {
		return false
	}
	for _, code := range codes {
		if e.ErrorCode() == code {
			return true
		}
	}
	return false
}

// gone turns the errors of what is not there into success.
func gone(err error, codes ...string) error {
	if isCode(err, codes...) {
		return nil
	}
	return err
}

// addText adds string attributes: name, value, name, value ...
func addText(to map[string]*template.Value, pairs ...string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		to[pairs[i]] = template.Text(pairs[i+1])
	}
}

// addList adds a list of strings.
func addList(to map[string]*template.Value, name string, items []string) {
	to[name] = template.Strings(items)
}

func itoa(n int32) string { return strconv.Itoa(int(n)) }

// clientToken is a token for calls that want 32 characters or more; it is the
// same for every attempt to make or change a resource to the same properties.
func (r *Request) clientToken() string {
	sum := sha256.Sum256([]byte(r.StackID + "/" + r.LogicalID + "/" + r.Token + "/" + r.Properties.JSON()))
	return hex.EncodeToString(sum[:])[:36]
}

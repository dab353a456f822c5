// Package wire speaks AWS's protocols from the server's side: it finds the
// operation that a request names, decodes the request into the generated Go
// type of the operation's input, checks it against the model's constraints, and
// encodes outputs and errors. One file per protocol; each walks the same plan of
// a type (plan.go), which is read once from the type's struct tags.
//
// It imports nothing of ours. The packages internal/aws/*api are generated on
// top of it; the gateway is its only caller on the request path. Bodies are
// given as bytes whose size the caller has bounded; depth and element counts are
// bounded here.
package wire

import (
	"context"
	"fmt"
)

// Protocol is one of AWS's wire protocols.
type Protocol string

// The protocols, named as in the service models ("json" split by version).
const (
	JSON10   Protocol = "json-1.0"
	JSON11   Protocol = "json-1.1"
	Query    Protocol = "query"
	EC2Query Protocol = "ec2"
	RESTJSON Protocol = "rest-json"
	RESTXML  Protocol = "rest-xml"
	RPCv2    Protocol = "smithy-rpc-v2-cbor"
)

// Service describes one AWS service: what routing, decoding and encoding need
// to know besides the types. The generated packages hold one each (Model).
type Service struct {
	ID              string // as in the model: "ECS", "CloudWatch Logs"
	FullName        string
	EndpointPrefix  string // first label of the service's host names
	SigningName     string // the service in a credential scope
	TargetPrefix    string // before the dot in X-Amz-Target (json) or in /service/NAME/ (rpcv2)
	APIVersion      string
	XMLNamespace    string
	BareErrors      bool // rest-xml: errors have no ErrorResponse around them (S3)
	QueryCompatible bool // errors carry the code of the query protocol in x-amzn-query-error
	Protocols       []Protocol
	Operations      map[string]*Operation // what is carried out
	Known           []string              // sorted: every operation of the model, so that an unserved one is refused by name
	Refused         []Binding             // REST: how the operations that are not carried out are called

	routes routeTable
}

// Operation is one operation of a service.
type Operation struct {
	Service *Service
	Name    string

	Method string // REST binding
	URI    string // REST binding: path template with the query literals that select the operation
	Status int    // status of a good answer; 0 stands for 200

	NewInput  func() any // pointer to a new input structure
	NewOutput func() any // pointer to a new output structure; nil when the operation has none

	InputRoot     string // rest-xml: root element of the request, where the model names it
	InputNS       string // rest-xml: its namespace
	OutputRoot    string // rest-xml: root element of the answer
	OutputNS      string // rest-xml: its namespace
	ResultWrapper string // query: element around the result
	Unwrapped     bool   // rest-xml: the output's only body member is the root element itself
	AuthNone      bool   // may be called without credentials
	Errors        []string
}

// Binding is how a REST operation is called: what must be there besides method and URI.
type Binding struct {
	Name, Method, URI string
	Query, Headers    []string
}

// Handlers maps an operation's name to the function that carries it out. in is
// the pointer that NewInput made; the result is a pointer to the output
// structure, or nil for an operation without one.
type Handlers map[string]func(ctx context.Context, in any) (any, error)

// Invoker carries out operations in process as the principal in ctx: with the
// same permission check, record and errors as a request from outside.
type Invoker interface {
	Invoke(ctx context.Context, service *Service, operation string, in any) (any, error)
}

// Handler adapts a method of a generated API interface.
func Handler[I, O any](method func(context.Context, *I) (*O, error)) func(context.Context, any) (any, error) {
	return func(ctx context.Context, in any) (any, error) {
		out, err := method(ctx, in.(*I))
		if err != nil {
			return nil, err
		}
		return out, nil
	}
}

// HandlerNoOutput adapts a method of an operation without an output shape.
func HandlerNoOutput[I any](method func(context.Context, *I) error) func(context.Context, any) (any, error) {
	return func(ctx context.Context, in any) (any, error) { return nil, method(ctx, in.(*I)) }
}

// Call invokes an operation and returns its output as the generated type.
func Call[O any](ctx context.Context, inv Invoker, service *Service, operation string, in any) (*O, error) {
	out, err := inv.Invoke(ctx, service, operation, in)
	if err != nil {
		return nil, err
	}
	typed, ok := out.(*O)
	if !ok {
		return nil, fmt.Errorf("%s %s answered %T", service.ID, operation, out)
	}
	return typed, nil
}

// CallNoOutput invokes an operation that has no output shape.
func CallNoOutput(ctx context.Context, inv Invoker, service *Service, operation string, in any) error {
	_, err := inv.Invoke(ctx, service, operation, in)
	return err
}

// Or returns what p points to, or otherwise when p is nil: for optional members.
func Or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// Operation returns the operation of the given name, nil when it is not served.
func (s *Service) Operation(name string) *Operation { return s.Operations[name] }

// Describe completes a service's description: it gives each operation its name
// and its service.
func Describe(s *Service) *Service {
	for name, op := range s.Operations {
		op.Name, op.Service = name, s
	}
	return s
}

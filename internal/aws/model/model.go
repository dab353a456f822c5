// Package model reads AWS service models in botocore's format (service-2.json)
// and holds the rules by which a shape becomes a Go type: names, absence and
// the struct tag that carries the facts of the wire.
//
// It imports nothing of ours. cmd/awsgen uses it to generate the packages
// internal/aws/*api; the tests of package wire use it to build the same types
// at run time from protocol vectors. The running server never reads a model.
package model

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Service is one service model.
type Service struct {
	Metadata   Metadata              `json:"metadata"`
	Operations map[string]*Operation `json:"operations"`
	Shapes     map[string]*Shape     `json:"shapes"`

	answered map[string]bool // shapes that some output reaches
}

// Metadata describes the service as a whole.
type Metadata struct {
	APIVersion          string    `json:"apiVersion"`
	EndpointPrefix      string    `json:"endpointPrefix"`
	JSONVersion         string    `json:"jsonVersion,omitempty"`
	Protocol            string    `json:"protocol"`
	Protocols           []string  `json:"protocols,omitempty"`
	ServiceAbbreviation string    `json:"serviceAbbreviation,omitempty"`
	ServiceFullName     string    `json:"serviceFullName"`
	ServiceID           string    `json:"serviceId"`
	SigningName         string    `json:"signingName,omitempty"`
	TargetPrefix        string    `json:"targetPrefix,omitempty"`
	XMLNamespace        string    `json:"xmlNamespace,omitempty"`
	AWSQueryCompatible  *struct{} `json:"awsQueryCompatible,omitempty"`
	// BareErrors is ours (patch.json): errors have no ErrorResponse around them.
	BareErrors bool `json:"bareErrors,omitempty"`
}

// Operation is one operation of a service.
type Operation struct {
	Name     string `json:"name"`
	HTTP     HTTP   `json:"http"`
	Input    *Ref   `json:"input,omitempty"`
	Output   *Ref   `json:"output,omitempty"`
	Errors   []Ref  `json:"errors,omitempty"`
	AuthType string `json:"authtype,omitempty"`
}

// HTTP is the binding of an operation to a request.
type HTTP struct {
	Method       string `json:"method"`
	RequestURI   string `json:"requestUri"`
	ResponseCode int    `json:"responseCode,omitempty"`
}

// Namespace is an XML namespace.
type Namespace struct {
	URI    string `json:"uri"`
	Prefix string `json:"prefix,omitempty"`
}

// UnmarshalJSON accepts a namespace without a prefix as a plain string.
func (n *Namespace) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &n.URI)
	}
	type plain Namespace
	return json.Unmarshal(b, (*plain)(n))
}

// Ref is a use of a shape: by a member, a list, a map or an operation. Facts
// on the reference override those on the shape.
type Ref struct {
	Shape            string     `json:"shape"`
	Location         string     `json:"location,omitempty"`
	LocationName     string     `json:"locationName,omitempty"`
	QueryName        string     `json:"queryName,omitempty"`
	Box              bool       `json:"box,omitempty"`
	Flattened        bool       `json:"flattened,omitempty"`
	Streaming        bool       `json:"streaming,omitempty"`
	XMLAttribute     bool       `json:"xmlAttribute,omitempty"`
	XMLNamespace     *Namespace `json:"xmlNamespace,omitempty"`
	TimestampFormat  string     `json:"timestampFormat,omitempty"`
	IdempotencyToken bool       `json:"idempotencyToken,omitempty"`
	JSONValue        bool       `json:"jsonvalue,omitempty"`
	HostLabel        bool       `json:"hostLabel,omitempty"`
	ResultWrapper    string     `json:"resultWrapper,omitempty"`
	Payload          string     `json:"payload,omitempty"`
	// Optional is ours (patch.json): absent and zero differ, so the Go type is a pointer.
	Optional bool `json:"optional,omitempty"`
	// Always is ours (patch.json): an empty string is sent, not left out.
	Always bool `json:"always,omitempty"`
	// Unwrapped is ours (patch.json): the output's only member is the root element.
	Unwrapped bool `json:"unwrapped,omitempty"`
}

// Shape is a type of the model.
type Shape struct {
	Type            string     `json:"type"`
	Members         Members    `json:"members,omitempty"`
	Required        []string   `json:"required,omitempty"`
	Member          *Ref       `json:"member,omitempty"`
	Key             *Ref       `json:"key,omitempty"`
	Value           *Ref       `json:"value,omitempty"`
	Enum            []string   `json:"enum,omitempty"`
	Min             *float64   `json:"min,omitempty"`
	Max             *float64   `json:"max,omitempty"`
	Pattern         string     `json:"pattern,omitempty"`
	Box             bool       `json:"box,omitempty"`
	Flattened       bool       `json:"flattened,omitempty"`
	Streaming       bool       `json:"streaming,omitempty"`
	Sensitive       bool       `json:"sensitive,omitempty"`
	Union           bool       `json:"union,omitempty"`
	Document        bool       `json:"document,omitempty"`
	EventStream     bool       `json:"eventstream,omitempty"`
	Payload         string     `json:"payload,omitempty"`
	Location        string     `json:"location,omitempty"`
	LocationName    string     `json:"locationName,omitempty"`
	XMLNamespace    *Namespace `json:"xmlNamespace,omitempty"`
	TimestampFormat string     `json:"timestampFormat,omitempty"`
	Exception       bool       `json:"exception,omitempty"`
	Fault           bool       `json:"fault,omitempty"`
	Error           *ErrorInfo `json:"error,omitempty"`
	Sparse          bool       `json:"sparse,omitempty"`
}

// ErrorInfo says how a modelled error looks on the wire.
type ErrorInfo struct {
	Code           string `json:"code,omitempty"`
	HTTPStatusCode int    `json:"httpStatusCode,omitempty"`
	SenderFault    bool   `json:"senderFault,omitempty"`
	Fault          bool   `json:"fault,omitempty"`
}

// Member is one named member of a structure.
type Member struct {
	Name string
	Ref
}

// Members are the members of a structure in the model's order.
type Members []Member

// UnmarshalJSON keeps the order of the keys, which is the order in which AWS answers.
func (m *Members) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(strings.NewReader(string(b)))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		member := Member{Name: name.(string)}
		if err := dec.Decode(&member.Ref); err != nil {
			return err
		}
		*m = append(*m, member)
	}
	return nil
}

// Load reads models/<service>: the model with its patch applied, and the sorted
// names of the operations that the server carries out.
func Load(dir string) (*Service, []string, error) {
	service := new(Service)
	if err := readJSON(filepath.Join(dir, "service-2.json"), service); err != nil {
		return nil, nil, err
	}
	var patches []Patch
	if err := readJSON(filepath.Join(dir, "patch.json"), &patches); err != nil {
		return nil, nil, err
	}
	for _, p := range patches {
		if err := service.Apply(p); err != nil {
			return nil, nil, fmt.Errorf("%s: patch.json: %w", dir, err)
		}
	}
	list, err := os.ReadFile(filepath.Join(dir, "operations.txt"))
	if err != nil {
		return nil, nil, err
	}
	names := strings.Fields(string(list))
	if !slices.IsSorted(names) {
		return nil, nil, fmt.Errorf("%s: operations.txt is not sorted", dir)
	}
	for _, name := range names {
		if service.Operations[name] == nil {
			return nil, nil, fmt.Errorf("%s: operations.txt: the model has no operation %s", dir, name)
		}
	}
	return service, names, nil
}

func readJSON(path string, into any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

package model

import "slices"

// ErrorCode is the code by which an exception is known on the wire.
func (s *Shape) ErrorCode(name string) string {
	if s.Error != nil && s.Error.Code != "" {
		return s.Error.Code
	}
	return name
}

// ErrorStatus is the HTTP status of an exception.
func (s *Shape) ErrorStatus() int {
	switch {
	case s.Error != nil && s.Error.HTTPStatusCode != 0:
		return s.Error.HTTPStatusCode
	case s.Fault || s.Error != nil && s.Error.Fault:
		return 500
	}
	return 400
}

// WireProtocols are the Go names, in package wire, of the protocols that a service speaks.
func (m Metadata) WireProtocols(qualifier string) []string {
	protocols := m.Protocols
	if len(protocols) == 0 {
		protocols = []string{m.Protocol}
	}
	var out []string
	for _, p := range protocols {
		switch p {
		case "json":
			p = "JSON11"
			if m.JSONVersion == "1.0" {
				p = "JSON10"
			}
		case "query":
			p = "Query"
		case "ec2":
			p = "EC2Query"
		case "rest-json":
			p = "RESTJSON"
		case "rest-xml":
			p = "RESTXML"
		case "smithy-rpc-v2-cbor":
			p = "RPCv2"
		}
		out = append(out, qualifier+p)
	}
	return out
}

// Root is the root element, with its namespace, of an operation's XML answer.
func (s *Service) Root(ref *Ref) (name, namespace string) {
	shape := s.Shapes[ref.Shape]
	name = first(ref.LocationName, first(shape.LocationName, ref.Shape))
	for _, ns := range []*Namespace{ref.XMLNamespace, shape.XMLNamespace} {
		if ns != nil {
			return name, ns.URI
		}
	}
	return name, ""
}

// Required lists the query parameters and headers without which a request is
// not this operation.
func (s *Service) Required(op *Operation) (query, headers []string) {
	if op.Input == nil {
		return nil, nil
	}
	shape := s.Shapes[op.Input.Shape]
	for _, m := range shape.Members {
		if !slices.Contains(shape.Required, m.Name) {
			continue
		}
		switch m.Location {
		case "querystring":
			query = append(query, first(m.LocationName, m.Name))
		case "header":
			headers = append(headers, first(m.LocationName, m.Name))
		}
	}
	return query, headers
}

// REST reports whether operations are told apart by method and path.
func (m Metadata) REST() bool { return m.Protocol == "rest-json" || m.Protocol == "rest-xml" }

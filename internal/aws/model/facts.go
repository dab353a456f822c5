package model

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

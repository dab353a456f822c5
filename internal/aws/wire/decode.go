package wire

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
)

// Streams reports whether the operation's request body is a stream, which the
// gateway then leaves unread in r.Body.
func (op *Operation) Streams() bool {
	p := op.inputPlan()
	return p.payload >= 0 && p.fields[p.payload].kind == kindStream
}

// Decode reads a request into a new input structure. body is the whole body,
// nil when the operation Streams. The error is AWS's for a request that cannot
// be read in this protocol.
func (op *Operation) Decode(p Protocol, r *http.Request, body []byte) (any, error) {
	in := op.NewInput()
	v := reflect.ValueOf(in).Elem()
	plan := planOf(v.Type())
	var err error
	switch p {
	case JSON10, JSON11:
		err = decodeJSONBody(body, plan, v)
	case Query, EC2Query:
		err = decodeForm(r, body, plan, v, p == EC2Query)
	case RPCv2:
		err = decodeCBORBody(body, plan, v)
	default:
		if err = op.bindRequest(r, plan, v); err == nil {
			err = op.decodeRESTBody(p, r, body, plan, v)
		}
	}
	if err != nil {
		return nil, malformed(op.Service, p, err)
	}
	return in, nil
}

func decodeJSONBody(body []byte, plan *structPlan, v reflect.Value) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	return decodeJSON(body, &shape{kind: kindStruct, typ: plan.typ, plan: plan}, v)
}

func decodeForm(r *http.Request, body []byte, plan *structPlan, v reflect.Value, ec2 bool) error {
	form, err := ParseForm(r, body)
	if err != nil {
		return err
	}
	return formDecoder{ec2}.decode(form, plan, v)
}

// ParseForm returns the parameters of a query request: those of the body, and
// those of the query string that the body does not have.
func ParseForm(r *http.Request, body []byte) (url.Values, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, NewError("MalformedQueryString", 400, "The query string contains a syntax error")
	}
	if r.URL.RawQuery == "" {
		return form, nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, NewError("MalformedQueryString", 400, "The query string contains a syntax error")
	}
	for key, values := range query {
		if _, ok := form[key]; !ok {
			form[key] = values
		}
	}
	return form, nil
}

func (op *Operation) decodeRESTBody(p Protocol, r *http.Request, body []byte, plan *structPlan, v reflect.Value) error {
	if plan.payload >= 0 {
		f := &plan.fields[plan.payload]
		return op.decodePayload(p, r, body, f, v.Field(f.index))
	}
	if !plan.body || len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if p == RESTJSON {
		return decodeJSONBody(body, plan, v)
	}
	return decodeXMLBody(body, op.InputRoot, &shape{kind: kindStruct, typ: plan.typ, plan: plan}, v)
}

func (op *Operation) decodePayload(p Protocol, r *http.Request, body []byte, f *field, v reflect.Value) error {
	if f.kind == kindStream {
		if body == nil && r.Body != nil {
			v.Set(reflect.ValueOf(r.Body))
		} else {
			v.Set(reflect.ValueOf(io.NopCloser(bytes.NewReader(body))))
		}
		return nil
	}
	if len(body) == 0 {
		if f.required && f.kind == kindStruct && op.Service != nil && op.Service.BareErrors {
			return NewError("MissingRequestBodyError", 400, "Request Body is empty")
		}
		return nil
	}
	switch {
	case f.kind == kindBlob:
		v.SetBytes(body)
	case f.kind == kindString:
		f.target(v).SetString(string(body))
	case p == RESTJSON:
		return decodeJSON(body, &f.shape, v)
	default:
		return decodeXMLBody(body, f.root, &f.shape, v)
	}
	return nil
}

// malformed is AWS's error for a request that cannot be read.
func malformed(s *Service, p Protocol, err error) error {
	var aws Error
	if errors.As(err, &aws) {
		return aws
	}
	var bad *badValue
	isValue := errors.As(err, &bad)
	switch {
	case p == EC2Query && isValue:
		return NewError("InvalidParameterValue", 400, "Invalid value '%s' for %s. %s", bad.value, lowerFirst(bad.path), strings.TrimPrefix(bad.cause.Error(), "STRING_VALUE "))
	case p == Query || p == EC2Query:
		return NewError("MalformedInput", 400, "%s", err)
	case s != nil && s.BareErrors && isValue:
		return NewError("InvalidArgument", 400, "Invalid Argument: %s", bad.path)
	case s != nil && s.BareErrors:
		return NewError("MalformedXML", 400, "The XML you provided was not well-formed or did not validate against our published schema")
	}
	return NewError("SerializationException", 400, "%s", err)
}

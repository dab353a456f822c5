package wire

import (
	"io"
	"net/http"
	"reflect"
	"strconv"
)

// Encode writes an operation's answer. out is the pointer that the handler
// returned, nil for an operation without output. A streaming payload is copied
// to w and closed. The error is one of writing to w, or of reading the stream.
func (op *Operation) Encode(p Protocol, w http.ResponseWriter, out any, requestID string) error {
	setRequestID(w.Header(), op.Service, p, requestID)
	if out == nil && op.NewOutput != nil {
		out = op.NewOutput()
	}
	var v reflect.Value
	plan := &structPlan{payload: -1, status: -1}
	if out != nil {
		v = reflect.ValueOf(out).Elem()
		plan = planOf(v.Type())
	}
	root := &shape{kind: kindStruct, plan: plan}
	switch p {
	case JSON10, JSON11:
		w.Header().Set("Content-Type", jsonContentType(p))
		if out == nil {
			return send(w, http.StatusOK, nil)
		}
		return send(w, http.StatusOK, appendJSON(nil, root, v))
	case RPCv2:
		return op.encodeCBOR(w, plan, v, out != nil)
	case Query:
		w.Header().Set("Content-Type", "text/xml")
		return send(w, http.StatusOK, op.queryAnswer(plan, v, requestID))
	case EC2Query:
		w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
		return send(w, http.StatusOK, op.ec2Answer(plan, v, out != nil, requestID))
	}
	return op.encodeREST(p, w, plan, v)
}

func jsonContentType(p Protocol) string {
	if p == JSON10 {
		return "application/x-amz-json-1.0"
	}
	return "application/x-amz-json-1.1"
}

func setRequestID(h http.Header, s *Service, p Protocol, id string) {
	if s != nil && s.BareErrors {
		h.Set("X-Amz-Request-Id", id)
		h.Set("X-Amz-Id-2", id)
		return
	}
	h.Set("X-Amzn-Requestid", id)
}

const xmlHeader = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

func (op *Operation) queryAnswer(plan *structPlan, v reflect.Value, requestID string) []byte {
	b := append([]byte{}, "<"+op.Name+"Response"...)
	b = append(appendNamespace(b, op.Service.XMLNamespace, "", true), '>')
	if op.ResultWrapper != "" {
		b = append(b, "<"+op.ResultWrapper+">"...)
	}
	if v.IsValid() {
		b = xmlEncoder{}.members(b, plan, v)
	}
	if op.ResultWrapper != "" {
		b = closeTag(b, op.ResultWrapper)
	}
	b = append(appendXMLText(append(b, "<ResponseMetadata><RequestId>"...), requestID), "</RequestId></ResponseMetadata>"...)
	return closeTag(b, op.Name+"Response")
}

func (op *Operation) ec2Answer(plan *structPlan, v reflect.Value, hasOutput bool, requestID string) []byte {
	b := append([]byte(xmlHeader), "<"+op.Name+"Response"...)
	b = append(appendNamespace(b, op.Service.XMLNamespace, "", true), "><requestId>"...)
	b = append(appendXMLText(b, requestID), "</requestId>"...)
	if hasOutput {
		b = xmlEncoder{}.members(b, plan, v)
	} else {
		b = append(b, "<return>true</return>"...)
	}
	return closeTag(b, op.Name+"Response")
}

func (op *Operation) encodeREST(p Protocol, w http.ResponseWriter, plan *structPlan, v reflect.Value) error {
	status := op.Status
	if status == 0 {
		status = http.StatusOK
	}
	if !v.IsValid() {
		return send(w, status, nil)
	}
	status = bindResponse(plan, v, w.Header(), status)
	if status == http.StatusOK && w.Header().Get("Content-Range") != "" {
		status = http.StatusPartialContent // S3's model does not say so
	}
	if plan.payload >= 0 {
		return op.encodePayload(p, w, status, &plan.fields[plan.payload], v)
	}
	if plan.bound && !plan.body {
		return send(w, status, nil)
	}
	if p == RESTJSON {
		w.Header().Set("Content-Type", "application/json")
		return send(w, status, appendJSON(nil, &shape{kind: kindStruct, plan: plan}, v))
	}
	if !plan.body {
		return send(w, status, nil)
	}
	w.Header().Set("Content-Type", "application/xml")
	if op.Unwrapped {
		return send(w, status, op.unwrapped(plan, v))
	}
	root := &shape{facts: facts{ns: first(op.OutputNS, op.Service.XMLNamespace)}, kind: kindStruct, plan: plan}
	return send(w, status, xmlEncoder{}.element([]byte(xmlHeader), first(op.OutputRoot, op.Name+"Result"), root, v))
}

// unwrapped writes the only member as the root element (S3's LocationConstraint).
func (op *Operation) unwrapped(plan *structPlan, v reflect.Value) []byte {
	f := plan.fields[0]
	f.ns, f.always = first(op.OutputNS, op.Service.XMLNamespace), true
	value, _ := f.value(v.Field(f.index))
	return xmlEncoder{}.element([]byte(xmlHeader), f.wire, &f.shape, value)
}

func (op *Operation) encodePayload(p Protocol, w http.ResponseWriter, status int, f *field, v reflect.Value) error {
	value, ok := f.value(v.Field(f.index))
	if !ok {
		return send(w, status, nil)
	}
	switch f.kind {
	case kindStruct, kindDocument, kindList, kindMap:
		if p == RESTJSON {
			w.Header().Set("Content-Type", "application/json")
			return send(w, status, appendJSON(nil, &f.shape, value))
		}
		w.Header().Set("Content-Type", "application/xml")
		s := f.shape
		s.ns = first(s.ns, op.Service.XMLNamespace)
		return send(w, status, xmlEncoder{}.element([]byte(xmlHeader), first(f.root, f.wire), &s, value))
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", map[bool]string{true: "text/plain", false: "application/octet-stream"}[f.kind == kindString])
	}
	body, stream := payloadBytes(f, value)
	if stream == nil {
		return send(w, status, body)
	}
	defer stream.Close()
	w.WriteHeader(status)
	_, err := io.Copy(w, stream)
	return err
}

func send(w http.ResponseWriter, status int, body []byte) error {
	if status != http.StatusNoContent && status != http.StatusNotModified && w.Header().Get("Content-Length") == "" {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	if len(body) == 0 {
		return nil // over HTTP/2 even nothing may not be written after 204
	}
	_, err := w.Write(body)
	return err
}

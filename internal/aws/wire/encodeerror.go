package wire

import (
	"net/http"
	"reflect"
)

// DetailedError is an Error with further elements for the error document of an
// XML protocol, such as BucketName in S3's.
type DetailedError interface {
	Error
	ErrorDetails() [][2]string
}

// failure is an error taken apart for encoding.
type failure struct {
	shape   string // name of the modelled shape; the code when there is none
	code    string
	message string
	status  int
	plan    *structPlan // nil when the error is not modelled
	value   reflect.Value
	details [][2]string
}

// EncodeError writes an error in the protocol's form. s may be nil when the
// request was not for any service that we know.
func EncodeError(s *Service, p Protocol, w http.ResponseWriter, err Error, requestID string) error {
	f := failure{shape: err.ErrorCode(), code: err.ErrorCode(), message: err.ErrorMessage(), status: err.HTTPStatus()}
	if v := reflect.ValueOf(err); v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Struct {
		if _, plain := err.(*plainError); !plain && v.Elem().NumField() > 0 {
			f.value, f.plan = v.Elem(), planOf(v.Type().Elem())
		}
	}
	if named, ok := err.(interface{ ErrorShape() string }); ok {
		f.shape = named.ErrorShape() // generated where code and shape differ
	}
	if d, ok := err.(DetailedError); ok {
		f.details = d.ErrorDetails()
	}
	return f.encode(s, p, w, requestID)
}

func (f failure) encode(s *Service, p Protocol, w http.ResponseWriter, requestID string) error {
	h := w.Header()
	setRequestID(h, s, p, requestID)
	if s != nil && s.QueryCompatible {
		h.Set("X-Amzn-Query-Error", f.code+";"+f.fault())
	}
	status := f.status
	if f.plan != nil {
		status = bindResponse(f.plan, f.value, h, status)
	}
	switch p {
	case JSON10, JSON11:
		h.Set("Content-Type", jsonContentType(p))
		return send(w, status, f.json(true))
	case RESTJSON:
		h.Set("Content-Type", "application/json")
		h.Set("X-Amzn-Errortype", f.shape)
		return send(w, status, f.json(false))
	case RPCv2:
		return f.cbor(w, status)
	case EC2Query:
		h.Set("Content-Type", "text/xml;charset=UTF-8")
		return send(w, status, f.ec2(requestID))
	}
	h.Set("Content-Type", "text/xml")
	if p == RESTXML {
		h.Set("Content-Type", "application/xml")
	}
	if s != nil && s.BareErrors {
		return send(w, status, f.bare(requestID))
	}
	return send(w, status, f.wrapped(s, requestID))
}

// fault says whose mistake it is, in the query protocol's words.
func (f failure) fault() string {
	if f.status >= 500 {
		return "Receiver"
	}
	return "Sender"
}

func (f failure) json(typed bool) []byte {
	b := []byte{'{'}
	n := 0
	if typed {
		b = append(append(b, `"__type":`...), quoteJSON(f.shape)...)
		n++
	}
	if f.plan != nil {
		before := len(b)
		b = appendJSONMembers(b, f.plan, f.value, n)
		if len(b) > before {
			n++
		}
	}
	if f.message != "" && !f.hasMessage() {
		if n > 0 {
			b = append(b, ',')
		}
		b = append(append(b, `"message":`...), quoteJSON(f.message)...)
	}
	return append(b, '}')
}

// hasMessage reports whether the modelled error has the message among its members.
func (f failure) hasMessage() bool {
	if f.plan == nil {
		return false
	}
	_, lower := f.plan.byWire["message"]
	_, upper := f.plan.byWire["Message"]
	return lower || upper
}

// body writes code, message and the members of the error.
func (f failure) body(b []byte) []byte {
	b = append(appendXMLText(append(b, "<Code>"...), f.code), "</Code>"...)
	if f.message != "" {
		b = append(appendXMLText(append(b, "<Message>"...), f.message), "</Message>"...)
	}
	if f.plan != nil {
		for i := range f.plan.fields {
			m := &f.plan.fields[i]
			if m.in != "" || m.wire == "Message" || m.wire == "message" || m.wire == "Code" {
				continue
			}
			if value, ok := m.value(f.value.Field(m.index)); ok {
				b = xmlEncoder{}.element(b, m.elementName(), &m.shape, value)
			}
		}
	}
	for _, d := range f.details {
		b = closeTag(appendXMLText(append(b, "<"+d[0]+">"...), d[1]), d[0])
	}
	return b
}

func (f failure) wrapped(s *Service, requestID string) []byte {
	b := append([]byte{}, "<ErrorResponse"...)
	if s != nil {
		b = appendNamespace(b, s.XMLNamespace, "", true)
	}
	b = append(b, "><Error><Type>"+f.fault()+"</Type>"...)
	b = append(f.body(b), "</Error><RequestId>"...)
	return append(appendXMLText(b, requestID), "</RequestId></ErrorResponse>"...)
}

func (f failure) ec2(requestID string) []byte {
	b := append([]byte(xmlHeader), "<Response><Errors><Error>"...)
	b = append(f.body(b), "</Error></Errors><RequestID>"...)
	return append(appendXMLText(b, requestID), "</RequestID></Response>"...)
}

func (f failure) bare(requestID string) []byte {
	b := append([]byte(xmlHeader), "<Error>"...)
	b = append(f.body(b), "<RequestId>"...)
	b = append(appendXMLText(b, requestID), "</RequestId><HostId>"...)
	return append(appendXMLText(b, requestID), "</HostId></Error>"...)
}

package wire

import (
	"reflect"
	"strconv"
	"strings"
)

// The struct tag of a field holds all that the model says about a member:
//
//	aws:"member,fact,fact=value,..." pattern:"..."
//
// The first word is the member's name in the model; "-" keeps a field off the
// wire. Facts about the elements of a list stand behind the prefix "m.", about
// keys and values of a map behind "k." and "v."; prefixes nest (m.m.loc).
//
//	required         must be given
//	loc=NAME         name on the wire, where it is not the member's
//	query=NAME       name in an EC2 request
//	in=PLACE         header, headers (prefix in loc), querystring, uri, statusCode; none: body
//	payload          the member is the body
//	root=NAME        root element of a payload
//	stream           the body is a stream (io.ReadCloser)
//	flat             list or map without an element of its own around it
//	attr             XML attribute
//	ns=URI nsp=PREFIX XML namespace
//	ts=FORMAT        timestamp format: iso8601, rfc822, unixTimestamp
//	json             a string that holds a JSON value (base64 in headers)
//	union            exactly one member of the structure is set
//	always           written although it is empty
//	sensitive        not repeated in messages
//	token            idempotency token
//	min= max=        length of strings, blobs, lists, maps; value of numbers
type facts struct {
	member, loc, query, in  string
	root                    string
	ns, nsPrefix, timestamp string
	pattern                 string
	min, max                float64
	hasMin, hasMax          bool
	required, payload       bool
	stream, flat, attr      bool
	json, union, always     bool
	sensitive               bool
}

// tag is a struct tag taken apart: facts as "key" or "key=value" by prefix.
type tag struct {
	raw    reflect.StructTag
	parts  []string
	member string
}

func parseTag(raw reflect.StructTag) (tag, bool) {
	text, ok := raw.Lookup("aws")
	if !ok || text == "-" {
		return tag{}, false
	}
	parts := strings.Split(text, ",")
	return tag{raw: raw, parts: parts[1:], member: parts[0]}, true
}

// facts returns what the tag says behind a prefix ("" for the member itself).
func (t tag) facts(prefix string) facts {
	f := facts{member: t.member, pattern: t.raw.Get(prefix + "pattern")}
	for _, part := range t.parts {
		part, ok := strings.CutPrefix(part, prefix)
		if !ok {
			continue
		}
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "loc":
			f.loc = value
		case "root":
			f.root = value
		case "query":
			f.query = value
		case "in":
			f.in = value
		case "ns":
			f.ns = value
		case "nsp":
			f.nsPrefix = value
		case "ts":
			f.timestamp = value
		case "min":
			f.min, f.hasMin = number(value)
		case "max":
			f.max, f.hasMax = number(value)
		default:
			f.flag(key)
		}
	}
	return f
}

func (f *facts) flag(key string) {
	switch key {
	case "required":
		f.required = true
	case "payload":
		f.payload = true
	case "stream":
		f.stream = true
	case "flat":
		f.flat = true
	case "attr":
		f.attr = true
	case "json":
		f.json = true
	case "union":
		f.union = true
	case "always":
		f.always = true
	case "sensitive":
		f.sensitive = true
	}
}

func number(s string) (float64, bool) {
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil
}

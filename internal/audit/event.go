package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
)

// maxPart bounds requestParameters and responseElements; CloudTrail leaves out
// larger ones and says so.
const maxPart = 100 << 10

// appendEvent writes a call as CloudTrail's record contents describe it:
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
func appendEvent(b []byte, c *Call, category Category) []byte {
	o := object{b: append(b, '{')}
	id := &c.Identity
	o.text("eventVersion", "1.11")
	o.key("userIdentity")
	o.b = appendIdentity(o.b, id)
	o.text("eventTime", c.At.UTC().Format(time.RFC3339))
	o.text("eventSource", c.source())
	o.text("eventName", c.Operation.Name)
	o.text("awsRegion", c.region())
	o.text("sourceIPAddress", sourceAddress(id))
	o.text("userAgent", userAgent(id))
	if c.Err != nil {
		code, message := "InternalFailure", ""
		var known wire.Error
		if errors.As(c.Err, &known) {
			code, message = known.ErrorCode(), known.ErrorMessage()
		}
		o.text("errorCode", code)
		o.optional("errorMessage", message)
	}
	hide := hider(c.Operation.Service.SigningName)
	o.part("requestParameters", c.In, hide)
	readOnly := c.readOnly()
	var response any
	if c.Err == nil && (!readOnly || c.Operation.Service.SigningName == "sts") && c.Operation.Name != "GetCallerIdentity" && category == Management {
		response = c.Out
	}
	o.part("responseElements", response, hide)
	o.optional("requestID", id.RequestID)
	o.text("eventID", eventID(c))
	o.flag("readOnly", readOnly)
	if resources := c.resources(); len(resources) > 0 {
		o.key("resources")
		o.b = appendResources(o.b, id.Account, resources)
	}
	o.text("eventType", "AwsApiCall")
	o.text("apiVersion", c.Operation.Service.APIVersion)
	o.flag("managementEvent", category == Management)
	o.text("recipientAccountId", id.Account)
	if id.SourceVPCE != "" {
		o.text("vpcEndpointId", id.SourceVPCE)
		o.text("vpcEndpointAccountId", id.Account)
	}
	o.text("eventCategory", string(category))
	if c.TLS != "" {
		tls := object{b: []byte{'{'}}
		tls.text("tlsVersion", c.TLS)
		tls.optional("cipherSuite", c.Cipher)
		tls.optional("clientProvidedHostHeader", c.Host)
		o.raw("tlsDetails", append(tls.b, '}'))
	}
	return append(o.b, '}')
}

// event is the call's JSON.
func (c *Call) event(category Category) string {
	if c.encoded != "" {
		return c.encoded
	}
	return string(appendEvent(make([]byte, 0, usualSize), c, category))
}

// usualSize is more than most events need.
const usualSize = 2 << 10

// sourceAddress is the client's address, or the service that calls on its behalf.
func sourceAddress(id *caller.Identity) string {
	switch {
	case id.ViaService != "":
		return id.ViaService
	case id.Type == caller.Service:
		return id.ServiceName
	case id.SourceIP.IsValid():
		return id.SourceIP.String()
	}
	return "AWS Internal"
}

func userAgent(id *caller.Identity) string {
	switch {
	case id.ViaService != "":
		return id.ViaService
	case id.Type == caller.Service:
		return id.ServiceName
	case len(id.UserAgent) > 1000:
		return id.UserAgent[:1000]
	}
	return id.UserAgent
}

// eventID names the event as a UUID. It follows from the call, of which each
// has a request id of its own; calls in process share the one they serve.
func eventID(c *Call) string {
	sum := sha256.Sum256([]byte(c.Identity.RequestID + c.Operation.Name + strconv.FormatInt(c.At.UnixNano(), 36)))
	sum[6], sum[8] = sum[6]&0x0f|0x40, sum[8]&0x3f|0x80
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// maxResources bounds the resources that an event names.
const maxResources = 50

// resources are the ARNs that the permission check names, and those of what was made.
func (c *Call) resources() []string {
	var all []string
	add := func(r string) {
		// The check says vpc/* of what is only made by the call.
		if r != "*" && r != "" && !strings.HasSuffix(r, "/*") && !slices.Contains(all, r) && len(all) < maxResources {
			all = append(all, r)
		}
	}
	for _, rule := range c.Rules {
		if rule.Resources == nil || c.In == nil || rule.Applies != nil && !rule.Applies(c.Identity, c.In) {
			continue
		}
		for _, r := range rule.Resources(c.Identity, c.In) {
			add(r)
		}
	}
	if c.Err == nil && c.Out != nil {
		for _, r := range c.made() {
			add(r)
		}
	}
	return all
}

func appendResources(b []byte, account string, arns []string) []byte {
	b = append(b, '[')
	for i, name := range arns {
		if i > 0 {
			b = append(b, ',')
		}
		o := object{b: append(b, '{')}
		if a, err := arn.Parse(name); err == nil && a.Account != "" {
			account = a.Account
		}
		o.text("accountId", account)
		o.optional("type", ResourceType(name))
		o.text("ARN", name)
		b = append(o.b, '}')
	}
	return append(b, ']')
}

// object writes the members of a JSON object.
type object struct {
	b []byte
	n int
}

func (o *object) key(name string) {
	if o.n++; o.n > 1 {
		o.b = append(o.b, ',')
	}
	o.b = append(append(append(o.b, '"'), name...), '"', ':')
}

func (o *object) text(name, value string) {
	o.key(name)
	o.b = wire.AppendJSONString(o.b, value)
}

func (o *object) optional(name, value string) {
	if value != "" {
		o.text(name, value)
	}
}

func (o *object) flag(name string, value bool) {
	o.key(name)
	o.b = strconv.AppendBool(o.b, value)
}

func (o *object) raw(name string, value []byte) {
	o.key(name)
	o.b = append(o.b, value...)
}

// part writes an input or output, bounded in size; one without members is null,
// as CloudTrail has it.
func (o *object) part(name string, v any, hide func(string) bool) {
	o.key(name)
	start := len(o.b)
	o.b = wire.AppendRecord(o.b, v, hide)
	switch size := len(o.b) - start; {
	case size == len("{}"):
		o.b = append(o.b[:start], "null"...)
	case size > maxPart:
		o.b = append(o.b[:start], `{"omitted":true,"originalSize":`+strconv.Itoa(size)+`,"reason":"`+name+` too large"}`...)
	}
}

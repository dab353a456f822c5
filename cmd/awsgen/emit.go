package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/model"
)

// api writes the API interface, Bind and NewClient.
func (g *generator) api(b *bytes.Buffer) {
	name := g.Metadata.ServiceFullName
	fmt.Fprintf(b, "// API is what we carry out of %s.\ntype API interface {\n", name)
	for _, n := range g.listed {
		fmt.Fprintf(b, "%s\n", g.signature(g.Operations[n]))
	}
	b.WriteString("}\n\n// Bind makes the handlers that the gateway calls from an implementation.\nfunc Bind(api API) wire.Handlers {\nreturn wire.Handlers{\n")
	for _, n := range g.listed {
		adapter := "Handler"
		if g.Operations[n].Output == nil {
			adapter = "HandlerNoOutput"
		}
		fmt.Fprintf(b, "%q: wire.%s(api.%s),\n", n, adapter, n)
	}
	b.WriteString("}\n}\n\n// NewClient returns an API that goes through inv: in process, as the principal in the context.\n")
	b.WriteString("func NewClient(inv wire.Invoker) API { return client{inv} }\n\ntype client struct{ invoker wire.Invoker }\n\n")
	for _, n := range g.listed {
		op := g.Operations[n]
		fmt.Fprintf(b, "func (c client) %s {\n", g.signature(op))
		if out := g.output(op); out != "" {
			fmt.Fprintf(b, "return wire.Call[%s](ctx, c.invoker, Model, %q, in)\n}\n\n", out, n)
		} else {
			fmt.Fprintf(b, "return wire.CallNoOutput(ctx, c.invoker, Model, %q, in)\n}\n\n", n)
		}
	}
}

func (g *generator) signature(op *model.Operation) string {
	if out := g.output(op); out != "" {
		return fmt.Sprintf("%s(ctx context.Context, in *%s) (*%s, error)", op.Name, g.input(op), out)
	}
	return fmt.Sprintf("%s(ctx context.Context, in *%s) error", op.Name, g.input(op))
}

// descriptor writes Model, the service's wire.Service.
func (g *generator) descriptor(b *bytes.Buffer) {
	m := g.Metadata
	signing := m.SigningName
	if signing == "" {
		signing = m.EndpointPrefix
	}
	fmt.Fprintf(b, "// Model describes the service to package wire and to the gateway.\nvar Model = wire.Describe(&wire.Service{\nID: %q,\nFullName: %q,\nEndpointPrefix: %q,\nSigningName: %q,\nAPIVersion: %q,\n",
		m.ServiceID, m.ServiceFullName, m.EndpointPrefix, signing, m.APIVersion)
	if m.TargetPrefix != "" {
		fmt.Fprintf(b, "TargetPrefix: %q,\n", m.TargetPrefix)
	}
	if m.XMLNamespace != "" {
		fmt.Fprintf(b, "XMLNamespace: %q,\n", m.XMLNamespace)
	}
	if m.AWSQueryCompatible != nil {
		b.WriteString("QueryCompatible: true,\n")
	}
	if m.BareErrors {
		b.WriteString("BareErrors: true,\n")
	}
	fmt.Fprintf(b, "Protocols: []wire.Protocol{%s},\nOperations: map[string]*wire.Operation{\n", strings.Join(m.WireProtocols("wire."), ", "))
	for _, n := range g.listed {
		g.operation(b, g.Operations[n])
	}
	b.WriteString("},\n")
	if m.REST() {
		g.refused(b)
	}
	fmt.Fprintf(b, "Known: strings.Fields(`\n%s\n`),\n})\n", strings.Join(slices.Sorted(maps.Keys(g.Operations)), "\n"))
}

// refused writes how the operations that are not listed are called, so that
// they are refused by name and not taken for others.
func (g *generator) refused(b *bytes.Buffer) {
	b.WriteString("Refused: []wire.Binding{\n")
	for _, n := range slices.Sorted(maps.Keys(g.Operations)) {
		if slices.Contains(g.listed, n) {
			continue
		}
		op := g.Operations[n]
		query, headers := g.Required(op)
		fmt.Fprintf(b, "{Name: %q, Method: %q, URI: %q", n, op.HTTP.Method, op.HTTP.RequestURI)
		if len(query) > 0 {
			fmt.Fprintf(b, ", Query: %#v", query)
		}
		if len(headers) > 0 {
			fmt.Fprintf(b, ", Headers: %#v", headers)
		}
		b.WriteString("},\n")
	}
	b.WriteString("},\n")
}

func (g *generator) operation(b *bytes.Buffer, op *model.Operation) {
	fmt.Fprintf(b, "%q: {Method: %q, URI: %q, ", op.Name, op.HTTP.Method, op.HTTP.RequestURI)
	if op.HTTP.ResponseCode != 0 && op.HTTP.ResponseCode != 200 {
		fmt.Fprintf(b, "Status: %d, ", op.HTTP.ResponseCode)
	}
	fmt.Fprintf(b, "NewInput: func() any { return new(%s) }, ", g.input(op))
	if out := g.output(op); out != "" {
		fmt.Fprintf(b, "NewOutput: func() any { return new(%s) }, ", out)
		if g.Metadata.Protocol == "rest-xml" {
			root, ns := g.Root(op.Output)
			text(b, "OutputRoot", root)
			text(b, "OutputNS", ns)
		}
		text(b, "ResultWrapper", op.Output.ResultWrapper)
		if op.Output.Unwrapped {
			b.WriteString("Unwrapped: true, ")
		}
	}
	if op.Input != nil {
		text(b, "InputRoot", op.Input.LocationName)
		if ns := op.Input.XMLNamespace; ns != nil {
			text(b, "InputNS", ns.URI)
		}
	}
	if op.AuthType == "none" {
		b.WriteString("AuthNone: true, ")
	}
	b.WriteString("},\n")
}

func text(b *bytes.Buffer, key, value string) {
	if value != "" {
		fmt.Fprintf(b, "%s: %q, ", key, value)
	}
}

// shapes writes the structures, and an empty input for operations without one.
func (g *generator) shapes(b *bytes.Buffer) {
	g.each(func(s *model.Shape) bool { return s.Type == "structure" && !s.Exception && !s.Document }, func(name string, shape *model.Shape) {
		fmt.Fprintf(b, "// %s is the model's %s.\ntype %s struct {\n", model.GoName(name), name, model.GoName(name))
		g.fields(b, name, shape)
		b.WriteString("}\n\n")
	})
	for _, n := range g.listed {
		if op := g.Operations[n]; op.Input == nil {
			fmt.Fprintf(b, "// %s is the input of %s, which takes nothing.\ntype %s struct{}\n\n", g.input(op), n, g.input(op))
		}
	}
}

func (g *generator) fields(b *bytes.Buffer, owner string, shape *model.Shape) {
	for _, m := range shape.Members {
		if g.Shapes[m.Shape].EventStream {
			continue
		}
		tag := g.Tag(shape, m)
		if strings.Contains(tag, "`") {
			tag = strconv.Quote(tag)
		} else {
			tag = "`" + tag + "`"
		}
		fmt.Fprintf(b, "%s %s %s\n", model.GoName(m.Name), g.GoType(owner, m), tag)
	}
}

// enums writes a string type with its constants for each enumeration.
func (g *generator) enums(b *bytes.Buffer) {
	g.each(func(s *model.Shape) bool { return s.Type == "string" && len(s.Enum) > 0 }, func(name string, shape *model.Shape) {
		t := model.GoName(name)
		fmt.Fprintf(b, "// %s is an enumeration.\ntype %s string\n\n// The values of %s.\nconst (\n", t, t, t)
		seen := map[string]bool{}
		for _, value := range shape.Enum {
			c := t + model.ConstName(value)
			if seen[c] || g.Shapes[c] != nil {
				c += "_"
			}
			seen[c] = true
			fmt.Fprintf(b, "%s %s = %q\n", c, t, value)
		}
		fmt.Fprintf(b, ")\n\n// EnumValues returns the values that the model lists.\nfunc (%s) EnumValues() []string {\nreturn []string{", t)
		for i, value := range shape.Enum {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(b, "%q", value)
		}
		b.WriteString("}\n}\n\n")
	})
}

// errors writes the modelled exceptions as Go errors.
func (g *generator) errors(b *bytes.Buffer) {
	g.each(func(s *model.Shape) bool { return s.Exception }, func(name string, shape *model.Shape) {
		t := model.GoName(name)
		fmt.Fprintf(b, "// %s is a modelled error.\ntype %s struct {\n", t, t)
		message := ""
		for _, m := range shape.Members {
			if strings.EqualFold(m.Name, "message") {
				message = model.GoName(m.Name)
			}
		}
		if message == "" {
			message = "Message"
			b.WriteString("Message string `aws:\"-\"`\n")
		}
		g.fields(b, name, shape)
		code, status := shape.ErrorCode(name), shape.ErrorStatus()
		fmt.Fprintf(b, "}\n\nfunc (e *%s) Error() string { return wire.ErrorText(e) }\n\n", t)
		fmt.Fprintf(b, "// ErrorCode is %s.\nfunc (e *%s) ErrorCode() string { return %q }\n\n", code, t, code)
		if code != name {
			fmt.Fprintf(b, "// ErrorShape is the name in the model.\nfunc (e *%s) ErrorShape() string { return %q }\n\n", t, name)
		}
		fmt.Fprintf(b, "// ErrorMessage is the text for the user.\nfunc (e *%s) ErrorMessage() string { return e.%s }\n\n", t, message)
		fmt.Fprintf(b, "// HTTPStatus is %d.\nfunc (e *%s) HTTPStatus() int { return %d }\n\n", status, t, status)
	})
}

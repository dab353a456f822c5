package terraform

import (
	"slices"

	"github.com/zclconf/go-cty/cty"

	"github.com/neargate/neargate/internal/cloudformation/template"
)

// data evaluates a data source. What it reads from AWS is unknown, but for what
// follows from the account and the region.
func (m *module) data(b *block, _ string, extra map[string]cty.Value) cty.Value {
	at := b.DefRange()
	a := &arguments{m: m, r: &Resource{Address: m.address + b.address, Kind: b.Labels[0], File: at.Filename, Line: at.Start.Line}, body: b.Body, extra: extra}
	text := func(pairs ...string) cty.Value {
		fields := map[string]cty.Value{}
		for i := 0; i+1 < len(pairs); i += 2 {
			fields[pairs[i]] = cty.StringVal(pairs[i+1])
		}
		return cty.ObjectVal(fields)
	}
	switch b.Labels[0] {
	case "aws_region":
		return text("name", m.world.Region(), "id", m.world.Region(), "region", m.world.Region())
	case "aws_caller_identity":
		return text("account_id", m.world.Account(), "id", m.world.Account(), "arn", "arn:aws:iam::"+m.world.Account()+":root")
	case "aws_partition":
		return text("partition", "aws", "id", "aws", "dns_suffix", "amazonaws.com")
	case "aws_availability_zones":
		var zones []cty.Value
		for _, z := range m.world.Zones() {
			zones = append(zones, cty.StringVal(z))
		}
		if zones == nil {
			return cty.DynamicVal
		}
		return cty.ObjectVal(map[string]cty.Value{"names": cty.ListVal(zones), "id": cty.StringVal(m.world.Region())})
	case "aws_iam_policy_document":
		return cty.ObjectVal(map[string]cty.Value{"json": policyDocument(a), "id": cty.DynamicVal})
	}
	a.all()
	return cty.DynamicVal
}

// policyDocument is the JSON that the data source of that name makes. Parts that
// are not known are marked in it.
func policyDocument(a *arguments) cty.Value {
	if a.body.Attributes["source_policy_documents"] != nil || a.body.Attributes["override_policy_documents"] != nil {
		a.all()
		return cty.UnknownVal(cty.String)
	}
	statements := []any{}
	for _, s := range a.blocks("statement") {
		statement := map[string]any{"Effect": "Allow"}
		for from, to := range map[string]string{"sid": "Sid", "effect": "Effect", "actions": "Action", "not_actions": "NotAction", "resources": "Resource", "not_resources": "NotResource"} {
			if v := s.get(from); v != nil {
				statement[to] = marked(v)
			}
		}
		principals(s.blocks("principals"), statement, "Principal")
		principals(s.blocks("not_principals"), statement, "NotPrincipal")
		conditions := map[string]map[string]any{}
		for _, c := range s.blocks("condition") {
			test := c.get("test").Str()
			if conditions[test] == nil {
				conditions[test] = map[string]any{}
			}
			conditions[test][c.get("variable").Str()] = marked(c.get("values"))
		}
		if len(conditions) > 0 {
			statement["Condition"] = conditions
		}
		statements = append(statements, statement)
	}
	return encode(map[string]any{"Version": "2012-10-17", "Statement": statements})
}

func principals(blocks []*arguments, statement map[string]any, key string) {
	if len(blocks) == 0 {
		return
	}
	all := map[string]any{}
	for _, p := range blocks {
		kind := p.get("type").Str()
		if kind == "*" {
			statement[key] = "*"
			return
		}
		all[kind] = marked(p.get("identifiers"))
	}
	statement[key] = all
}

// marked is a value for JSON, with a mark for what is unknown.
func marked(v *template.Value) any {
	switch {
	case v == nil:
		return nil
	case v.Kind == template.Unknown:
		return Unknown
	case v.Kind == template.List:
		out := make([]any, 0, len(v.Items))
		for _, item := range v.Items {
			out = append(out, marked(item))
		}
		return slices.Clip(out)
	}
	return v.Text
}

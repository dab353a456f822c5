package terraform

import (
	"strconv"

	"github.com/neargate/neargate/internal/cloudformation/template"
)

// securityGroup is a group with its inline rules. Terraform takes the rule away
// that lets everything out, and which CloudFormation leaves: a rule to nowhere
// stands for that.
func securityGroup(a *arguments) {
	p := a.part("", "AWS::EC2::SecurityGroup", a.pick("name", "GroupName", "description", "GroupDescription", "vpc_id", "VpcId"))
	if p.v.Get("GroupDescription") == nil {
		p.put("GroupDescription", template.Text("Managed by Terraform"))
	}
	ingress := a.rules("ingress", "SourceSecurityGroupId", "SourcePrefixListId")
	egress := a.rules("egress", "DestinationSecurityGroupId", "DestinationPrefixListId")
	if len(egress.Items) == 0 {
		egress.Items = append(egress.Items, object(0).put("IpProtocol", template.Text("-1")).put("CidrIp", template.Text("127.0.0.1/32")).v)
	}
	if len(ingress.Items) > 0 {
		p.put("SecurityGroupIngress", ingress)
	}
	p.put("SecurityGroupEgress", egress)
	for i, r := range a.selves("ingress") {
		a.part("self"+strconv.Itoa(i), "AWS::EC2::SecurityGroupIngress", r.put("GroupId", self()).put("SourceSecurityGroupId", self()))
	}
	for i, r := range a.selves("egress") {
		a.part("selfout"+strconv.Itoa(i), "AWS::EC2::SecurityGroupEgress", r.put("GroupId", self()).put("DestinationSecurityGroupId", self()))
	}
}

// rules are the inline rules of one direction: one for each peer.
func (a *arguments) rules(name, group, list string) *template.Value {
	out := &template.Value{Kind: template.List, Line: a.r.Line}
	for _, b := range a.blocks(name) {
		if out.Line == a.r.Line && len(out.Items) == 0 {
			out.Line = b.body.SrcRange.Start.Line
		}
		out.Items = append(out.Items, b.peers(group, list)...)
	}
	return out
}

// peers are the rules that a block of a rule amounts to.
func (a *arguments) peers(group, list string) []*template.Value {
	var out []*template.Value
	add := func(key string, v *template.Value) {
		for _, peer := range elements(v) {
			rule := a.ports()
			rule.put(key, peer)
			out = append(out, rule.v)
		}
	}
	add("CidrIp", a.get("cidr_blocks"))
	add("CidrIpv6", a.get("ipv6_cidr_blocks"))
	add(group, a.get("security_groups"))
	add(group, a.get("source_security_group_id"))
	add(list, a.get("prefix_list_ids"))
	return out
}

func (a *arguments) ports() properties {
	return a.pick("protocol", "IpProtocol", "from_port", "FromPort", "to_port", "ToPort", "description", "Description")
}

// selves are the rules with self = true.
func (a *arguments) selves(name string) []properties {
	var out []properties
	for _, b := range a.blocks(name) {
		if b.get("self").Str() == "true" {
			out = append(out, b.ports())
		}
	}
	return out
}

// elements are the elements of a list, or one value.
func elements(v *template.Value) []*template.Value {
	switch {
	case v == nil:
		return nil
	case v.Kind == template.List:
		return v.Items
	}
	return []*template.Value{v}
}

// securityGroupRule is aws_security_group_rule: a rule by itself, of either direction.
func securityGroupRule(a *arguments) {
	typ, group, list := "AWS::EC2::SecurityGroupIngress", "SourceSecurityGroupId", "SourcePrefixListId"
	if a.get("type").Str() == "egress" {
		typ, group, list = "AWS::EC2::SecurityGroupEgress", "DestinationSecurityGroupId", "DestinationPrefixListId"
	}
	rules := a.peers(group, list)
	if a.get("self").Str() == "true" {
		rules = append(rules, a.ports().put(group, a.get("security_group_id")).v)
	}
	for i, r := range rules {
		suffix := ""
		if i > 0 {
			suffix = strconv.Itoa(i)
		}
		a.part(suffix, typ, properties{r}.put("GroupId", a.get("security_group_id")))
	}
}

// groupRule is aws_vpc_security_group_ingress_rule and its opposite.
func groupRule(typ, peer string) func(*arguments) {
	return func(a *arguments) {
		p := a.pick("security_group_id", "GroupId", "ip_protocol", "IpProtocol", "from_port", "FromPort", "to_port", "ToPort", "description", "Description",
			"cidr_ipv4", "CidrIp", "cidr_ipv6", "CidrIpv6", "referenced_security_group_id", peer+"SecurityGroupId", "prefix_list_id", peer+"PrefixListId")
		a.part("", typ, p)
	}
}

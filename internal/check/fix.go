package check

import (
	"fmt"
	"strings"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/decision"
)

// trustFix is the trust policy that lets tasks have a role.
func trustFix(role *planned, no *access.NotAssumable) Fix {
	if role.Stack.Lang == terraformLang {
		return Fix{Lang: terraformLang, Target: role.Name, Text: "assume_role_policy = jsonencode({\n  Version = \"2012-10-17\"\n  Statement = [{\n    Effect    = \"Allow\"\n    Principal = { Service = \"" + no.Service + "\" }\n    Action    = \"sts:AssumeRole\"\n  }]\n})"}
	}
	for _, f := range no.Fix() {
		return Fix{Lang: f.Lang, Target: role.label(), Text: strings.TrimRight(f.Text, "\n")}
	}
	return Fix{}
}

func logGroupFix(lang, group string) Fix {
	if lang == terraformLang {
		return Fix{Lang: lang, Text: fmt.Sprintf("resource \"aws_cloudwatch_log_group\" \"app\" {\n  name = %q\n}", group)}
	}
	return Fix{Lang: lang, Target: "Resources", Text: "LogGroup:\n  Type: AWS::Logs::LogGroup\n  Properties:\n    LogGroupName: " + group}
}

// secretFix makes the secret in the source, which then has its whole ARN.
func secretFix(lang, id string) Fix {
	name := id[strings.LastIndex(id, ":")+1:]
	if i := strings.LastIndex(name, "-"); i >= 0 && len(name)-i == 7 {
		name = name[:i] // what Secrets Manager puts behind the name
	}
	if lang == terraformLang {
		return Fix{Lang: lang, Target: "and valueFrom = aws_secretsmanager_secret.app.arn", Text: fmt.Sprintf("resource \"aws_secretsmanager_secret\" \"app\" {\n  name = %q\n}", name)}
	}
	return Fix{Lang: lang, Target: "Resources, and ValueFrom: !Ref Secret", Text: "Secret:\n  Type: AWS::SecretsManager::Secret\n  Properties:\n    Name: " + name}
}

// dependsFix makes a resource wait for another.
func dependsFix(p, on *planned) Fix {
	if p.Stack.Lang == terraformLang {
		return Fix{Lang: terraformLang, Target: p.Name, Text: "depends_on = [" + strings.Split(on.Name, "[")[0] + "]"}
	}
	if p.Stack != on.Stack {
		return Fix{}
	}
	return Fix{Lang: cloudFormation, Target: p.label(), Text: "DependsOn: " + on.Name}
}

// gatewayName is the NAT gateway beside the service, or else what stands for one.
func (w *walk) gatewayName(otherwise string) string {
	for _, p := range w.plan {
		if p.Type == "AWS::EC2::NatGateway" && p.Stack == w.service.Stack {
			return p.Name
		}
	}
	return otherwise
}

// ownFix words a fix that `neargate why` does not have in the source's language.
func ownFix(w *walk, d decision.Decision) string {
	where, _, _ := strings.Cut(d.Where, " ")
	at := w.reference(w.service.Stack, where)
	if w.service.Stack.Lang == cloudFormation {
		if d.Code == "net.no-route" {
			return fmt.Sprintf("ToInternet:\n  Type: AWS::EC2::Route\n  Properties: { RouteTableId: %s, DestinationCidrBlock: 0.0.0.0/0, NatGatewayId: !Ref %s }", at, w.gatewayName("NATGATEWAY"))
		}
		return ""
	}
	switch d.Code {
	case "net.sg-egress":
		return fmt.Sprintf("resource \"aws_vpc_security_group_egress_rule\" \"https\" {\n  security_group_id = %s\n  cidr_ipv4         = \"0.0.0.0/0\"\n  ip_protocol       = \"tcp\"\n  from_port         = 443\n  to_port           = 443\n}", at)
	case "net.no-route":
		return fmt.Sprintf("resource \"aws_route\" \"internet\" {\n  route_table_id         = %s\n  destination_cidr_block = \"0.0.0.0/0\"\n  nat_gateway_id         = %s.id\n}", at, w.gatewayName("aws_nat_gateway.NAME"))
	case "net.dns-off":
		return "enable_dns_support = true"
	case "net.private-dns-off":
		return "private_dns_enabled = true"
	}
	return ""
}

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

const zonesAndRecords = `
data "aws_vpc" "default" { default = true }

resource "aws_route53_zone" "public" {
  name    = "shop.example.com"
  comment = "the shop"
  tags    = { app = "shop" }
}
resource "aws_route53_record" "www" {
  zone_id = aws_route53_zone.public.zone_id
  name    = "www"
  type    = "A"
  ttl     = 300
  records = ["198.51.100.7", "198.51.100.8"]
}
resource "aws_route53_record" "green" {
  zone_id        = aws_route53_zone.public.zone_id
  name           = "split.shop.example.com"
  type           = "CNAME"
  ttl            = 5
  records        = ["www.shop.example.com"]
  set_identifier = "green"
  weighted_routing_policy { weight = 10 }
}
resource "aws_acm_certificate" "shop" {
  domain_name       = "shop.example.com"
  validation_method = "DNS"
}
resource "aws_route53_record" "validation" {
  for_each = { for o in aws_acm_certificate.shop.domain_validation_options : o.domain_name => o }
  zone_id  = aws_route53_zone.public.zone_id
  name     = each.value.resource_record_name
  type     = each.value.resource_record_type
  ttl      = 60
  records  = [each.value.resource_record_value]
}
resource "aws_acm_certificate_validation" "shop" {
  certificate_arn         = aws_acm_certificate.shop.arn
  validation_record_fqdns = [for r in aws_route53_record.validation : r.fqdn]
}
resource "aws_route53_zone" "private" {
  name = "shop.internal"
  vpc { vpc_id = data.aws_vpc.default.id }
}
resource "aws_route53_record" "db" {
  zone_id = aws_route53_zone.private.zone_id
  name    = "db.shop.internal"
  type    = "A"
  ttl     = 60
  records = ["172.31.9.9"]
}
resource "aws_route53_record" "alias" {
  zone_id = aws_route53_zone.private.zone_id
  name    = "shop.internal"
  type    = "A"
  alias {
    zone_id                = aws_route53_zone.private.zone_id
    name                   = aws_route53_record.db.fqdn
    evaluate_target_health = false
  }
}
resource "aws_route53_record" "text" {
  zone_id = aws_route53_zone.private.zone_id
  name    = "*.shop.internal"
  type    = "TXT"
  ttl     = 60
  records = ["anything"]
}
`

// TestRoute53ByTerraform makes zones, records and a certificate that they
// validate; a task of the default VPC finds the names.
func TestRoute53ByTerraform(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	tf := newTerraform(a, zonesAndRecords)
	tf.apply()
	a.t = t
	image := a.push(busyboxArchive(t, a.dir, "sh"), "lookup", "1")
	role := a.executionRole("execution")
	a.aws("logs", "create-log-group", "--log-group-name", "lookups")
	definition := a.register(fmt.Sprintf(`{"family":"lookup","requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512","executionRoleArn":%q,
	 "containerDefinitions":[{"name":"c","image":%q,"command":["sh","-c","for n in db.shop.internal shop.internal split.shop.example.com nothing.else.shop.example.com; do echo $n: $(nslookup $n 2>&1); done"],
	 "logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"lookups","awslogs-region":%q,"awslogs-stream-prefix":"p"}}}]}`, role, image, a.Region))
	a.runTask(definition, "STOPPED")
	said := a.logsTail("lookups")
	for _, want := range [][]string{{"db.shop.internal: ", "172.31.9.9"}, {" shop.internal: ", "172.31.9.9"}, {"split.shop.example.com: ", "198.51.100.7", "198.51.100.8"}, {"nothing.else.shop.example.com: ", "NXDOMAIN"}} {
		for line := range strings.Lines(said) {
			if !strings.Contains(line, want[0]) {
				continue
			}
			for _, w := range want[1:] {
				if !strings.Contains(line, w) {
					t.Errorf("%q is not in %s", w, line)
				}
			}
		}
		if !strings.Contains(said, want[0]) {
			t.Errorf("nothing about %s in\n%s", want[0], said)
		}
	}
	tf.destroy()
	if n := a.aws("route53", "get-hosted-zone-count", "--query", "HostedZoneCount"); n != "0" {
		t.Errorf("%s zones are left", n)
	}
}

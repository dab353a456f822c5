package e2e

import (
	"strings"
	"testing"
)

const checkedRecords = `
resource "aws_route53_zone" "z" { name = "checked.example.com" }
resource "aws_route53_health_check" "http" {
  type              = "HTTP"
  ip_address        = "198.19.255.254"
  port              = 80
  resource_path     = "/health"
  request_interval  = 10
  failure_threshold = SIZE
  tags              = { Name = "first SIZE" }
}
resource "aws_route53_health_check" "text" {
  type               = "HTTPS_STR_MATCH"
  fqdn               = "www.checked.example.com"
  port               = 443
  search_string      = "ok"
  request_interval   = 30
  failure_threshold  = 3
  invert_healthcheck = true
  regions            = ["us-east-1", "eu-west-1", "sa-east-1"]
}
resource "aws_route53_health_check" "both" {
  type                   = "CALCULATED"
  child_health_threshold = 1
  child_healthchecks     = [aws_route53_health_check.http.id, aws_route53_health_check.text.id]
}
resource "aws_route53_record" "failover" {
  for_each        = { PRIMARY = "198.51.100.1", SECONDARY = "198.51.100.2" }
  zone_id         = aws_route53_zone.z.zone_id
  name            = "failover"
  type            = "A"
  ttl             = 60
  records         = [each.value]
  set_identifier  = each.key
  health_check_id = each.key == "PRIMARY" ? aws_route53_health_check.http.id : null
  failover_routing_policy { type = each.key }
}
resource "aws_route53_record" "latency" {
  for_each       = toset(["eu-west-1", "us-east-1"])
  zone_id        = aws_route53_zone.z.zone_id
  name           = "latency"
  type           = "A"
  ttl            = 60
  records        = ["198.51.100.3"]
  set_identifier = each.key
  latency_routing_policy { region = each.key }
}
resource "aws_route53_record" "state" {
  zone_id        = aws_route53_zone.z.zone_id
  name           = "geo"
  type           = "A"
  ttl            = 60
  records        = ["198.51.100.4"]
  set_identifier = "state"
  geolocation_routing_policy {
    country     = "US"
    subdivision = "VA"
  }
}
resource "aws_route53_record" "rest" {
  zone_id        = aws_route53_zone.z.zone_id
  name           = "geo"
  type           = "A"
  ttl            = 60
  records        = ["198.51.100.5"]
  set_identifier = "rest"
  geolocation_routing_policy { country = "*" }
}
resource "aws_route53_record" "many" {
  count                            = 2
  zone_id                          = aws_route53_zone.z.zone_id
  name                             = "many"
  type                             = "A"
  ttl                              = 60
  records                          = ["198.51.100.${count.index}"]
  set_identifier                   = "m${count.index}"
  health_check_id                  = aws_route53_health_check.both.id
  multivalue_answer_routing_policy = true
}
resource "aws_route53_record" "near" {
  zone_id        = aws_route53_zone.z.zone_id
  name           = "near"
  type           = "A"
  ttl            = 60
  records        = ["198.51.100.6"]
  set_identifier = "near"
  geoproximity_routing_policy {
    aws_region = "eu-west-1"
    bias       = 5
  }
}
`

// TestHealthChecksByTerraform makes, changes, imports and destroys health checks and
// record sets of every routing policy; the plan after each apply is empty.
func TestHealthChecksByTerraform(t *testing.T) {
	t.Parallel()
	tf := newTerraform(newAccount(t), strings.ReplaceAll(checkedRecords, "SIZE", "3"))
	tf.apply()
	tf.config(strings.ReplaceAll(checkedRecords, "SIZE", "4"))
	tf.apply()
	id := tf.aws("route53", "list-health-checks", "--query", "HealthChecks[?HealthCheckConfig.Type=='HTTP'].Id", "--output", "text")
	tf.run("state", "rm", "aws_route53_health_check.http")
	tf.run("import", "-input=false", "-no-color", "aws_route53_health_check.http", id)
	tf.apply()
	tf.destroy()
	if n := tf.aws("route53", "get-health-check-count", "--query", "HealthCheckCount"); n != "0" {
		t.Errorf("%s health checks are left", n)
	}
}

package e2e

import (
	"strings"
	"testing"
)

const balancers = `
resource "aws_vpc" "v" { cidr_block = "10.0.0.0/16" }
resource "aws_internet_gateway" "g" { vpc_id = aws_vpc.v.id }
resource "aws_subnet" "s" {
  count             = 2
  vpc_id            = aws_vpc.v.id
  cidr_block        = "10.0.${count.index}.0/24"
  availability_zone = ["eu-west-1a", "eu-west-1b"][count.index]
}
resource "aws_security_group" "alb" {
  name   = "alb"
  vpc_id = aws_vpc.v.id
}
resource "aws_acm_certificate" "c" {
  count             = 2
  domain_name       = ["one.example.com", "two.example.com"][count.index]
  validation_method = "DNS"
}
resource "aws_s3_bucket" "logs" {
  bucket_prefix = "alb-logs-"
  force_destroy = true
}
resource "aws_s3_bucket_policy" "logs" {
  bucket = aws_s3_bucket.logs.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Effect    = "Allow"
    Principal = { Service = "logdelivery.elasticloadbalancing.amazonaws.com" }
    Action    = "s3:PutObject"
    Resource  = "${aws_s3_bucket.logs.arn}/web/AWSLogs/*"
  }] })
}
resource "aws_lb" "l" {
  name                       = "family"
  security_groups            = [aws_security_group.alb.id]
  subnets                    = aws_subnet.s[*].id
  idle_timeout               = SIZE
  client_keep_alive          = 600
  desync_mitigation_mode     = "strictest"
  drop_invalid_header_fields = true
  xff_header_processing_mode = "preserve"
  access_logs {
    bucket  = aws_s3_bucket_policy.logs.bucket
    prefix  = "web"
    enabled = true
  }
  tags       = { Size = "SIZE" }
  depends_on = [aws_internet_gateway.g]
}
resource "aws_lb_target_group" "t" {
  count                         = 2
  name                          = "group-${count.index}"
  port                          = 80
  protocol                      = "HTTP"
  vpc_id                        = aws_vpc.v.id
  target_type                   = "ip"
  deregistration_delay          = SIZE
  slow_start                    = 30
  load_balancing_algorithm_type = "round_robin"
  stickiness {
    type            = "app_cookie"
    cookie_name     = "session"
    cookie_duration = 600
  }
  health_check {
    path     = "/missing"
    matcher  = "404"
    interval = SIZE
    timeout  = 3
  }
}
resource "aws_lb_target_group" "grpc" {
  name             = "grpc"
  port             = 50051
  protocol         = "HTTP"
  protocol_version = "GRPC"
  vpc_id           = aws_vpc.v.id
  target_type      = "ip"
  health_check { matcher = "0-99" }
}
resource "aws_lb_target_group_attachment" "a" {
  target_group_arn = aws_lb_target_group.t[0].arn
  target_id        = "10.0.0.SIZE"
  port             = 8080
}
resource "aws_lb_listener" "https" {
  load_balancer_arn                                            = aws_lb.l.arn
  port                                                         = 443
  protocol                                                     = "HTTPS"
  certificate_arn                                              = aws_acm_certificate.c[0].arn
  ssl_policy                                                   = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  routing_http_response_strict_transport_security_header_value = "max-age=SIZE"
  default_action {
    type = "forward"
    forward {
      target_group {
        arn    = aws_lb_target_group.t[0].arn
        weight = SIZE
      }
      target_group {
        arn    = aws_lb_target_group.t[1].arn
        weight = 0
      }
      stickiness {
        enabled  = true
        duration = 600
      }
    }
  }
}
resource "aws_s3_object" "trust" {
  for_each = toset(["ca.pem", "list.pem"])
  bucket   = aws_s3_bucket.logs.id
  key      = each.key
  source   = "${path.module}/${each.key}"
}
resource "aws_lb_trust_store" "t" {
  name                             = "clients"
  ca_certificates_bundle_s3_bucket = aws_s3_bucket.logs.id
  ca_certificates_bundle_s3_key    = aws_s3_object.trust["ca.pem"].key
  tags                             = { Size = "SIZE" }
}
resource "aws_lb_trust_store_revocation" "r" {
  trust_store_arn       = aws_lb_trust_store.t.arn
  revocations_s3_bucket = aws_s3_bucket.logs.id
  revocations_s3_key    = aws_s3_object.trust["list.pem"].key
}
resource "aws_lb_listener" "mutual" {
  load_balancer_arn = aws_lb.l.arn
  port              = 8443
  protocol          = "HTTPS"
  certificate_arn   = aws_acm_certificate.c[0].arn
  mutual_authentication {
    mode                             = "verify"
    trust_store_arn                  = aws_lb_trust_store.t.arn
    ignore_client_certificate_expiry = SIZE == 41
  }
  default_action {
    type = "authenticate-oidc"
    authenticate_oidc {
      authorization_endpoint              = "https://idp.example.com/authorize"
      client_id                           = "web"
      client_secret                       = "secret-SIZE"
      issuer                              = "https://idp.example.com"
      token_endpoint                      = "https://idp.example.com/token"
      user_info_endpoint                  = "https://idp.example.com/userinfo"
      session_timeout                     = SIZE
      authentication_request_extra_params = { prompt = "login" }
    }
  }
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.t[0].arn
  }
}
resource "aws_lb_listener_certificate" "second" {
  listener_arn    = aws_lb_listener.https.arn
  certificate_arn = aws_acm_certificate.c[1].arn
}
resource "aws_lb_listener_rule" "fixed" {
  listener_arn = aws_lb_listener.https.arn
  priority     = SIZE
  action {
    type = "fixed-response"
    fixed_response {
      content_type = "text/plain"
      message_body = "SIZE"
      status_code  = "200"
    }
  }
  condition {
    path_pattern { values = ["/fixed/*"] }
  }
  condition {
    source_ip { values = ["203.0.113.0/24"] }
  }
  tags = { Size = "SIZE" }
}
resource "aws_lb_listener_rule" "hosts" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 5
  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.grpc.arn
  }
  condition {
    host_header { values = ["a.example.com", "*.b.example.com"] }
  }
  condition {
    http_header {
      http_header_name = "X-Size"
      values           = ["SIZE"]
    }
  }
  condition {
    query_string {
      key   = "size"
      value = "SIZE"
    }
  }
}
`

// TestLoadBalancersByTerraform makes, changes and destroys all that belongs to load
// balancers; the plan after each apply is empty.
func TestLoadBalancersByTerraform(t *testing.T) {
	t.Parallel()
	tf := newTerraform(newAccount(t), strings.ReplaceAll(balancers, "SIZE", "40"))
	newIssuer(t).write(tf.folder, 7)
	tf.apply()
	tf.config(strings.ReplaceAll(balancers, "SIZE", "41"))
	tf.apply()
	if got := tf.aws("elbv2", "describe-load-balancers", "--names", "family", "--query", "LoadBalancers[0].State.Code", "--output", "text"); got != "active" {
		t.Errorf("the load balancer is %s", got)
	}
	tf.destroy()
	if left := tf.aws("elbv2", "describe-target-groups", "--query", "TargetGroups[].TargetGroupName", "--output", "text"); left != "" && left != "None" {
		t.Errorf("left: %s", left)
	}
}

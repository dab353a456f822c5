package e2e

import (
	"strings"
	"testing"
)

const networkBalancers = `
resource "aws_vpc" "v" { cidr_block = "10.0.0.0/16" }
resource "aws_internet_gateway" "g" { vpc_id = aws_vpc.v.id }
resource "aws_subnet" "s" {
  count             = 2
  vpc_id            = aws_vpc.v.id
  cidr_block        = "10.0.${count.index}.0/24"
  availability_zone = ["eu-west-1a", "eu-west-1b"][count.index]
}
resource "aws_security_group" "nlb" {
  name   = "nlb"
  vpc_id = aws_vpc.v.id
}
resource "aws_acm_certificate" "c" {
  domain_name       = "one.example.com"
  validation_method = "DNS"
}
resource "aws_eip" "e" { domain = "vpc" }
resource "aws_lb" "outer" {
  name                             = "outer"
  load_balancer_type               = "network"
  security_groups                  = [aws_security_group.nlb.id]
  enable_cross_zone_load_balancing = true
  subnet_mapping {
    subnet_id     = aws_subnet.s[0].id
    allocation_id = aws_eip.e.id
  }
  tags       = { Size = "40" }
  depends_on = [aws_internet_gateway.g]
}
resource "aws_lb" "inner" {
  name               = "inner"
  internal           = true
  load_balancer_type = "network"
  subnet_mapping {
    subnet_id            = aws_subnet.s[1].id
    private_ipv4_address = "10.0.1.200"
  }
}
resource "aws_lb" "web" {
  name     = "web"
  internal = true
  subnets  = aws_subnet.s[*].id
}
resource "aws_lb_target_group" "web" {
  name        = "web"
  port        = 80
  protocol    = "HTTP"
  vpc_id      = aws_vpc.v.id
  target_type = "ip"
}
resource "aws_lb_listener" "web" {
  load_balancer_arn = aws_lb.web.arn
  port              = 80
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }
}
resource "aws_lb_target_group" "alb" {
  name        = "alb"
  port        = 80
  protocol    = "TCP"
  vpc_id      = aws_vpc.v.id
  target_type = "alb"
  health_check {
    path    = "/up"
    matcher = "200-499"
  }
}
resource "aws_lb_target_group_attachment" "alb" {
  target_group_arn = aws_lb_target_group.alb.arn
  target_id        = aws_lb_listener.web.load_balancer_arn
  port             = 80
}
resource "aws_lb_target_group" "tcp" {
  name                              = "tcp"
  port                              = 80
  protocol                          = "TCP"
  vpc_id                            = aws_vpc.v.id
  target_type                       = "ip"
  preserve_client_ip                = "true"
  proxy_protocol_v2                 = true
  connection_termination            = true
  deregistration_delay              = 40
  load_balancing_cross_zone_enabled = "false"
  stickiness {
    type    = "source_ip"
    enabled = true
  }
  target_health_state { enable_unhealthy_connection_termination = false }
  health_check {
    protocol = "HTTP"
    path     = "/missing"
    matcher  = "404"
    interval = 40
  }
}
resource "aws_lb_target_group" "packets" {
  count       = 2
  name        = "packets-${count.index}"
  port        = 53
  protocol    = ["UDP", "TCP_UDP"][count.index]
  vpc_id      = aws_vpc.v.id
  target_type = "ip"
}
resource "aws_lb_target_group" "tls" {
  name        = "tls"
  port        = 443
  protocol    = "TLS"
  vpc_id      = aws_vpc.v.id
  target_type = "ip"
}
resource "aws_lb_target_group_attachment" "a" {
  target_group_arn = aws_lb_target_group.tcp.arn
  target_id        = "10.0.0.40"
  port             = 8080
}
resource "aws_lb_listener" "tcp" {
  load_balancer_arn        = aws_lb.outer.arn
  port                     = 80
  protocol                 = "TCP"
  tcp_idle_timeout_seconds = 640
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.tcp.arn
  }
}
resource "aws_lb_listener" "packets" {
  count             = 2
  load_balancer_arn = aws_lb.outer.arn
  port              = 53 + count.index
  protocol          = ["UDP", "TCP_UDP"][count.index]
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.packets[count.index].arn
  }
}
resource "aws_lb_listener" "tls" {
  load_balancer_arn = aws_lb.outer.arn
  port              = 443
  protocol          = "TLS"
  certificate_arn   = aws_acm_certificate.c.arn
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  alpn_policy       = "HTTP2Preferred"
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.tls.arn
  }
}
resource "aws_lb_listener" "inner" {
  load_balancer_arn = aws_lb.inner.arn
  port              = 80
  protocol          = "TCP"
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.alb.arn
  }
}
`

// TestNetworkLoadBalancersByTerraform makes and destroys all that belongs to network
// load balancers; the plan in between is empty.
func TestNetworkLoadBalancersByTerraform(t *testing.T) {
	t.Parallel()
	tf := newTerraform(newAccount(t), networkBalancers)
	tf.apply()
	if got := tf.aws("elbv2", "describe-load-balancers", "--names", "inner", "--query", "LoadBalancers[0].AvailabilityZones[0].LoadBalancerAddresses[0].PrivateIPv4Address", "--output", "text"); got != "10.0.1.200" {
		t.Errorf("its address is %s", got)
	}
	tf.destroy()
	if left := tf.aws("ec2", "describe-network-interfaces", "--query", "NetworkInterfaces[].Description", "--output", "text"); strings.Contains(left, "ELB") {
		t.Errorf("left: %s", left)
	}
}

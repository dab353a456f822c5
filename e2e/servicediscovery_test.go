package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

const discovery = `
data "aws_vpc" "default" { default = true }
data "aws_subnets" "default" {
  filter {
    name   = "default-for-az"
    values = ["true"]
  }
}
resource "aws_service_discovery_private_dns_namespace" "prod" {
  name        = "prod.local"
  vpc         = data.aws_vpc.default.id
  description = "DESCRIPTION"
  tags        = { app = "shop" }
}
resource "aws_service_discovery_http_namespace" "apps" {
  name        = "apps"
  description = "found by DiscoverInstances"
}
resource "aws_service_discovery_service" "web" {
  name         = "web"
  description  = "DESCRIPTION"
  dns_config {
    namespace_id = aws_service_discovery_private_dns_namespace.prod.id
    dns_records {
      type = "A"
      ttl  = TTL
    }
  }
  health_check_custom_config { failure_threshold = 1 }
}
resource "aws_service_discovery_service" "api" {
  name = "_api._tcp"
  dns_config {
    namespace_id   = aws_service_discovery_private_dns_namespace.prod.id
    routing_policy = "MULTIVALUE"
    dns_records {
      type = "SRV"
      ttl  = 5
    }
  }
}
resource "aws_service_discovery_service" "queue" {
  name         = "queue"
  namespace_id = aws_service_discovery_http_namespace.apps.id
}
resource "aws_service_discovery_instance" "orders" {
  instance_id = "orders"
  service_id  = aws_service_discovery_service.queue.id
  attributes  = { url = "https://sqs.example/orders", stage = "STAGE" }
}
resource "aws_security_group" "web" {
  name   = "web"
  vpc_id = data.aws_vpc.default.id
  ingress {
    from_port   = 80
    to_port     = 80
    protocol    = "tcp"
    cidr_blocks = [data.aws_vpc.default.cidr_block]
  }
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}
resource "aws_ecs_cluster" "c" { name = "tests" }
resource "aws_ecs_task_definition" "web" {
  family                   = "web"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  execution_role_arn       = "ROLE"
  container_definitions    = jsonencode([{ name = "web", image = "IMAGE", command = ["serve", "web"], portMappings = [{ containerPort = 80 }],
    healthCheck = { command = ["CMD", "/probe", "well"], interval = 5, retries = 1, timeout = 2 } }])
}
resource "aws_ecs_service" "web" {
  name            = "web"
  cluster         = aws_ecs_cluster.c.id
  task_definition = aws_ecs_task_definition.web.arn
  launch_type     = "FARGATE"
  desired_count   = 2
  network_configuration {
    subnets          = data.aws_subnets.default.ids
    security_groups  = [aws_security_group.web.id]
    assign_public_ip = true
  }
  service_registries { registry_arn = aws_service_discovery_service.web.arn }
}
resource "aws_ecs_service" "api" {
  name            = "api"
  cluster         = aws_ecs_cluster.c.id
  task_definition = aws_ecs_task_definition.web.arn
  launch_type     = "FARGATE"
  desired_count   = 1
  network_configuration {
    subnets          = data.aws_subnets.default.ids
    security_groups  = [aws_security_group.web.id]
    assign_public_ip = true
  }
  service_registries {
    registry_arn   = aws_service_discovery_service.api.arn
    container_name = "web"
    container_port = 80
  }
}
output "prod" { value = aws_service_discovery_private_dns_namespace.prod.id }
output "vpc" { value = data.aws_vpc.default.id }
output "queue" { value = aws_service_discovery_service.queue.id }
output "web" { value = aws_service_discovery_service.web.id }
`

// TestServiceDiscoveryByTerraform: tasks of one service find those of another by
// name, an ill one is not found; everything is read back as it was written.
func TestServiceDiscoveryByTerraform(t *testing.T) {
	t.Parallel()
	a := newAccount(t).with("AWS_DISABLE_HOST_PREFIX_INJECTION=true") // as `neargate env` has it
	image, role := a.push(probeArchive(t, a.dir), "web", "1"), a.executionRole("execution")
	text := func(description, ttl, stage string) string {
		return strings.NewReplacer("DESCRIPTION", description, "TTL", ttl, "STAGE", stage, "ROLE", role, "IMAGE", image).Replace(discovery)
	}
	tf := newTerraform(a, text("first", "5", "test"))
	tf.apply()
	a.t = t
	var out struct{ Prod, VPC, Web, Queue struct{ Value string } }
	if err := json.Unmarshal([]byte(tf.run("output", "-json")), &out); err != nil {
		t.Fatal(err)
	}

	a.aws("logs", "create-log-group", "--log-group-name", "finds")
	definition := a.register(fmt.Sprintf(`{"family":"find","requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512","executionRoleArn":%q,
	 "containerDefinitions":[{"name":"c","image":%q,"command":["find","web.prod.local","_api._tcp.prod.local"],
	 "logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"finds","awslogs-region":%q,"awslogs-stream-prefix":"p"}}}]}`, role, image, a.Region))
	a.runTask(definition, "STOPPED")
	said := a.logsTail("finds")
	for _, want := range []string{"found 2", "._api._tcp.prod.local. 80 [172.31.", "200 web GET /hello", "ill is found: false well are found: true"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in\n%s", want, said)
		}
	}
	a.eventually(time.Minute, "the ill task is replaced", func() error {
		healthy := a.aws("servicediscovery", "discover-instances", "--namespace-name", "prod.local", "--service-name", "web", "--health-status", "HEALTHY",
			"--query-parameters", "ECS_CLUSTER_NAME=tests,ECS_SERVICE_NAME=web,REGION="+a.Region, "--query", "length(Instances)")
		if healthy != "2" {
			return fmt.Errorf("%s are healthy", healthy)
		}
		return nil
	})
	a.aws("ecs", "update-service", "--cluster", "tests", "--service", "web", "--desired-count", "0")
	a.eventually(time.Minute, "no task is left", func() error {
		if left := a.aws("servicediscovery", "list-instances", "--service-id", out.Web.Value, "--query", "length(Instances)"); left != "0" {
			return fmt.Errorf("%s are left", left)
		}
		return nil
	})

	tf.run("state", "rm", "aws_service_discovery_private_dns_namespace.prod", "aws_service_discovery_service.web", "aws_service_discovery_instance.orders")
	tf.config(text("second", "7", "prod") + fmt.Sprintf(`
import {
  to = aws_service_discovery_private_dns_namespace.prod
  id = "%s:%s"
}
import {
  to = aws_service_discovery_service.web
  id = %q
}
import {
  to = aws_service_discovery_instance.orders
  id = "%s/orders"
}`, out.Prod.Value, out.VPC.Value, out.Web.Value, out.Queue.Value))
	tf.apply()
	tf.destroy()
	if left := a.aws("route53", "list-hosted-zones", "--query", "HostedZones"); left != "[]" {
		t.Errorf("zones are left: %s", left)
	}
}

provider "aws" { region = "eu-west-1" }
resource "aws_vpc" "v" {
  cidr_block = "10.0.0.0/16"
}
resource "aws_subnet" "s" {
  vpc_id     = aws_vpc.v.id
  cidr_block = "10.0.0.0/24"
}
resource "aws_service_discovery_private_dns_namespace" "prod" {
  name = "prod.local"
  vpc  = aws_vpc.v.id
}
resource "aws_service_discovery_service" "web" {
  name = "web"
  dns_config {
    namespace_id = aws_service_discovery_private_dns_namespace.prod.id
    dns_records {
      type = "A"
      ttl  = 10
    }
  }
}
resource "aws_ecs_cluster" "c" { name = "c" }
resource "aws_ecs_task_definition" "t" {
  family                   = "t"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  container_definitions    = jsonencode([{ name = "web", image = "public.ecr.aws/nginx/nginx:1", portMappings = [{ containerPort = 80 }] }])
}
resource "aws_ecs_service" "s" {
  name            = "s"
  cluster         = aws_ecs_cluster.c.id
  task_definition = aws_ecs_task_definition.t.arn
  launch_type     = "FARGATE"
  desired_count   = 1
  network_configuration { subnets = [aws_subnet.s.id] }
  service_registries {
    registry_arn   = aws_service_discovery_service.web.arn
    container_name = "web"
    container_port = 80
  }
}

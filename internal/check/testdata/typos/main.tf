# A service behind a load balancer in subnets that exist, with the slips of a hasty evening
variable "vpc" { type = string }
variable "public_subnets" { type = list(string) }
variable "private_subnets" { type = list(string) }

provider "aws" {
  region = var.region
}

data "aws_subnet" "private" {
  count = length(var.private_subnet)
  id    = var.public_subnets[count.index]
}

resource "aws_iam_role" "pull" {
  name               = "pull"
  assume_role_policy = <<EOF
{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
  ]
}
EOF
}

resource "aws_iam_role_policy_attachment" "pull" {
  role       = aws_iam_role.pull.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonECSTaskExecutionRolePolicy"
}

resource "aws_lb" "front" {
  subnets = var.public_subnets
}

resource "aws_lb_target_group" "web" {
  port        = 8080
  protocol    = "HTTP"
  vpc_id      = var.vpc
  target_type = "ip"
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.front.arn
  port              = 443
  protocol          = "HTTPS"
  certificate_arn   = "certificate/4fa1"
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }
}

resource "aws_cloudwatch_log_group" "web" {
  name = "/ecs/web"
}

resource "aws_ecs_task_definition" "web" {
  family                   = "web"
  network_mode             = "awsvpc"
  requires_compatibilities = ["FARGATE"]
  cpu                      = 256
  memory                   = 768
  execution_role_arn       = aws_iam_role.pull.arn
  container_definitions = jsonencode([{
    name         = "web"
    image        = "nginx:1.29"
    portMappings = [{ containerPort = 8080 }]
    healthCheckGracePeriodSeconds = 45
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.web.name
        "awslogs-region"        = "eu-west-1"
        "awslogs-stream-prefix" = "web"
      }
    }
  }])
}

resource "aws_ecs_service" "web" {
  name            = "web"
  task_definition = aws_ecs_task_definition.web.arn
  launch_type     = "FARGATE"
  desired_count   = 1
  network_configuration {
    subnets                           = data.aws_subnet.private[*].id
    health_check_grace_period_seconds = 45
  }
  load_balancer {
    target_group_arn = aws_lb_target_group.web.arn
    container_name   = "web"
    container_port   = 8080
  }
  depends_on = [aws_lb_listener.https]
}

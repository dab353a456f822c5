# Networks.
resource "aws_vpc" "v" {
  cidr_block                       = "10.60.0.0/16"
  enable_dns_hostnames             = true
  assign_generated_ipv6_cidr_block = true
  tags                             = { Name = "import" }
}
resource "aws_vpc" "peer" { cidr_block = "10.61.0.0/16" }
resource "aws_vpc_ipv4_cidr_block_association" "more" {
  vpc_id     = aws_vpc.peer.id
  cidr_block = "10.62.0.0/16"
}
resource "aws_vpc_dhcp_options" "o" { domain_name_servers = ["AmazonProvidedDNS"] }
resource "aws_vpc_dhcp_options_association" "o" {
  vpc_id          = aws_vpc.peer.id
  dhcp_options_id = aws_vpc_dhcp_options.o.id
}
resource "aws_internet_gateway" "g" { vpc_id = aws_vpc.v.id }
resource "aws_egress_only_internet_gateway" "e" { vpc_id = aws_vpc.v.id }
resource "aws_subnet" "s" {
  count             = 2
  vpc_id            = aws_vpc.v.id
  cidr_block        = "10.60.${count.index}.0/24"
  availability_zone = ["eu-west-1a", "eu-west-1b"][count.index]
  tags              = { Name = "import-${count.index}" }
}
resource "aws_eip" "nat" {
  domain     = "vpc"
  depends_on = [aws_internet_gateway.g]
}
resource "aws_nat_gateway" "n" {
  subnet_id     = aws_subnet.s[0].id
  allocation_id = aws_eip.nat.id
}
resource "aws_vpc_peering_connection" "p" {
  vpc_id      = aws_vpc.v.id
  peer_vpc_id = aws_vpc.peer.id
  auto_accept = true
}
resource "aws_default_route_table" "d" {
  default_route_table_id = aws_vpc.v.default_route_table_id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.g.id
  }
}
resource "aws_route_table" "inline" {
  vpc_id = aws_vpc.v.id
  route {
    cidr_block     = "0.0.0.0/0"
    nat_gateway_id = aws_nat_gateway.n.id
  }
  route {
    ipv6_cidr_block        = "::/0"
    egress_only_gateway_id = aws_egress_only_internet_gateway.e.id
  }
}
resource "aws_route_table" "apart" { vpc_id = aws_vpc.v.id }
resource "aws_route" "peer" {
  route_table_id            = aws_route_table.apart.id
  destination_cidr_block    = "10.61.0.0/16"
  vpc_peering_connection_id = aws_vpc_peering_connection.p.id
}
resource "aws_route_table_association" "a" {
  subnet_id      = aws_subnet.s[1].id
  route_table_id = aws_route_table.apart.id
}
resource "aws_vpc_endpoint" "s3" {
  vpc_id          = aws_vpc.v.id
  service_name    = "com.amazonaws.eu-west-1.s3"
  route_table_ids = [aws_route_table.inline.id]
}
resource "aws_vpc_endpoint" "logs" {
  vpc_id              = aws_vpc.v.id
  service_name        = "com.amazonaws.eu-west-1.logs"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = aws_subnet.s[*].id
  security_group_ids  = [aws_security_group.rules.id]
}
resource "aws_default_security_group" "d" { vpc_id = aws_vpc.v.id }
resource "aws_default_network_acl" "d" {
  default_network_acl_id = aws_vpc.peer.default_network_acl_id
  ingress {
    rule_no    = 100
    protocol   = "-1"
    action     = "allow"
    cidr_block = "0.0.0.0/0"
    from_port  = 0
    to_port    = 0
  }
}
resource "aws_network_acl" "n" {
  vpc_id     = aws_vpc.v.id
  subnet_ids = [aws_subnet.s[0].id]
  ingress {
    rule_no    = 100
    protocol   = "tcp"
    action     = "allow"
    cidr_block = "0.0.0.0/0"
    from_port  = 80
    to_port    = 443
  }
}
resource "aws_network_acl" "apart" { vpc_id = aws_vpc.v.id }
resource "aws_network_acl_rule" "r" {
  network_acl_id = aws_network_acl.apart.id
  rule_number    = 200
  egress         = true
  protocol       = "tcp"
  rule_action    = "allow"
  cidr_block     = "0.0.0.0/0"
  from_port      = 443
  to_port        = 443
}
resource "aws_network_acl_association" "a" {
  network_acl_id = aws_network_acl.apart.id
  subnet_id      = aws_subnet.s[1].id
}
resource "aws_security_group" "inline" {
  name        = "import-inline"
  description = "inline rules"
  vpc_id      = aws_vpc.v.id
  ingress {
    protocol         = "tcp"
    from_port        = 80
    to_port          = 80
    description      = "from everywhere"
    cidr_blocks      = ["0.0.0.0/0"]
    ipv6_cidr_blocks = ["::/0"]
  }
  egress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = ["0.0.0.0/0"]
  }
}
resource "aws_security_group" "rules" {
  name   = "import-rules"
  vpc_id = aws_vpc.v.id
}
resource "aws_security_group" "old" {
  name   = "import-old"
  vpc_id = aws_vpc.v.id
}
resource "aws_security_group_rule" "old" {
  type              = "ingress"
  security_group_id = aws_security_group.old.id
  cidr_blocks       = ["10.60.0.0/16"]
  protocol          = "tcp"
  from_port         = 8080
  to_port           = 8081
}
resource "aws_vpc_security_group_ingress_rule" "i" {
  security_group_id            = aws_security_group.rules.id
  referenced_security_group_id = aws_security_group.inline.id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  tags                         = { Name = "i" }
}
resource "aws_vpc_security_group_egress_rule" "e" {
  security_group_id = aws_security_group.rules.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}
resource "aws_ec2_managed_prefix_list" "l" {
  name           = "import"
  address_family = "IPv4"
  max_entries    = 5
  entry {
    cidr        = "192.168.0.0/16"
    description = "near"
  }
}
resource "aws_ec2_managed_prefix_list" "apart" {
  name           = "import-apart"
  address_family = "IPv4"
  max_entries    = 5
}
resource "aws_ec2_managed_prefix_list_entry" "e" {
  prefix_list_id = aws_ec2_managed_prefix_list.apart.id
  cidr           = "10.9.0.0/16"
}
resource "aws_network_interface" "n" {
  subnet_id       = aws_subnet.s[1].id
  private_ips     = ["10.60.1.50"]
  security_groups = [aws_security_group.inline.id]
}
resource "aws_flow_log" "f" {
  vpc_id          = aws_vpc.v.id
  traffic_type    = "REJECT"
  iam_role_arn    = aws_iam_role.r.arn
  log_destination = aws_cloudwatch_log_group.g.arn
}

# Identities.
resource "aws_iam_role" "r" {
  name        = "import-role"
  description = "a role"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = ["ecs-tasks.amazonaws.com", "vpc-flow-logs.amazonaws.com"] }
  }] })
  tags = { made = "by-terraform" }
}
resource "aws_iam_policy" "p" {
  name   = "import-policy"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "logs:*", Resource = "*" }] })
}
resource "aws_iam_role_policy" "inline" {
  name   = "inline"
  role   = aws_iam_role.r.id
  policy = aws_iam_policy.p.policy
}
resource "aws_iam_role_policy_attachment" "a" {
  role       = aws_iam_role.r.name
  policy_arn = aws_iam_policy.p.arn
}
resource "aws_iam_instance_profile" "i" {
  name = "import-profile"
  role = aws_iam_role.r.name
}
resource "aws_iam_user" "u" { name = "import-user" }
resource "aws_iam_user_policy" "u" {
  name   = "inline"
  user   = aws_iam_user.u.name
  policy = aws_iam_policy.p.policy
}
resource "aws_iam_user_policy_attachment" "u" {
  user       = aws_iam_user.u.name
  policy_arn = aws_iam_policy.p.arn
}
resource "aws_iam_group" "g" { name = "import-group" }
resource "aws_iam_group_policy" "g" {
  name   = "inline"
  group  = aws_iam_group.g.name
  policy = aws_iam_policy.p.policy
}
resource "aws_iam_group_policy_attachment" "g" {
  group      = aws_iam_group.g.name
  policy_arn = aws_iam_policy.p.arn
}
resource "aws_iam_user_group_membership" "u" {
  user   = aws_iam_user.u.name
  groups = [aws_iam_group.g.name]
}
resource "aws_iam_openid_connect_provider" "o" {
  url             = "https://issuer.example"
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = ["0123456789abcdef0123456789abcdef01234567"]
}

# Load balancers, certificates and names.
resource "aws_acm_certificate" "c" {
  count             = 2
  domain_name       = ["import.example", "other.example"][count.index]
  validation_method = "DNS"
}
resource "aws_lb" "l" {
  name            = "import"
  security_groups = [aws_security_group.inline.id]
  subnets         = aws_subnet.s[*].id
  idle_timeout    = 70
  depends_on      = [aws_internet_gateway.g]
}
resource "aws_lb_target_group" "t" {
  name        = "import"
  port        = 80
  protocol    = "HTTP"
  vpc_id      = aws_vpc.v.id
  target_type = "ip"
  health_check { matcher = "200-299" }
}
resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.l.arn
  port              = 80
  default_action {
    type = "redirect"
    redirect {
      port        = 443
      protocol    = "HTTPS"
      status_code = "HTTP_301"
    }
  }
}
resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.l.arn
  port              = 443
  protocol          = "HTTPS"
  certificate_arn   = aws_acm_certificate.c[0].arn
  ssl_policy        = "ELBSecurityPolicy-TLS-1-2-2017-01"
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.t.arn
  }
}
resource "aws_lb_listener_certificate" "c" {
  listener_arn    = aws_lb_listener.https.arn
  certificate_arn = aws_acm_certificate.c[1].arn
}
resource "aws_lb_listener_rule" "r" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 10
  action {
    type = "fixed-response"
    fixed_response {
      content_type = "text/plain"
      message_body = "fixed"
      status_code  = "200"
    }
  }
  condition {
    path_pattern { values = ["/fixed/*"] }
  }
}
resource "aws_route53_zone" "public" { name = "import.example" }
resource "aws_route53_zone" "private" {
  name    = "internal.example"
  comment = "inside"
  vpc { vpc_id = aws_vpc.v.id }
}
resource "aws_route53_record" "plain" {
  zone_id = aws_route53_zone.public.zone_id
  name    = "text.import.example"
  type    = "TXT"
  ttl     = 60
  records = ["one", "two"]
}
resource "aws_route53_record" "alias" {
  zone_id = aws_route53_zone.public.zone_id
  name    = "import.example"
  type    = "A"
  alias {
    name                   = aws_lb.l.dns_name
    zone_id                = aws_lb.l.zone_id
    evaluate_target_health = false
  }
}
resource "aws_route53_record" "weighted" {
  zone_id        = aws_route53_zone.private.zone_id
  name           = "w.internal.example"
  type           = "A"
  ttl            = 60
  set_identifier = "first"
  records        = ["10.60.0.9"]
  weighted_routing_policy { weight = 10 }
}

# Containers, logs, images, objects, secrets.
resource "aws_cloudwatch_log_group" "g" {
  name              = "import"
  retention_in_days = 7
}
resource "aws_cloudwatch_log_stream" "s" {
  name           = "stream"
  log_group_name = aws_cloudwatch_log_group.g.name
}
resource "aws_ecs_cluster" "c" {
  name = "import"
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}
resource "aws_ecs_cluster_capacity_providers" "c" {
  cluster_name       = aws_ecs_cluster.c.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]
  default_capacity_provider_strategy {
    capacity_provider = "FARGATE"
    weight            = 1
  }
}
resource "aws_ecs_task_definition" "t" {
  family                   = "import"
  network_mode             = "awsvpc"
  requires_compatibilities = ["FARGATE"]
  cpu                      = 256
  memory                   = 512
  execution_role_arn       = aws_iam_role.r.arn
  container_definitions = jsonencode([{
    name         = "web"
    image        = "nginx:latest"
    essential    = true
    environment  = [{ name = "BUILD", value = "1" }]
    portMappings = [{ containerPort = 80, hostPort = 80, protocol = "tcp" }]
  }])
}
resource "aws_ecs_service" "s" {
  name            = "import"
  cluster         = aws_ecs_cluster.c.id
  task_definition = aws_ecs_task_definition.t.arn
  desired_count   = 0
  launch_type     = "FARGATE"
  network_configuration {
    subnets         = aws_subnet.s[*].id
    security_groups = [aws_security_group.inline.id]
  }
  load_balancer {
    target_group_arn = aws_lb_target_group.t.arn
    container_name   = "web"
    container_port   = 80
  }
  depends_on = [aws_lb_listener.https]
}
resource "aws_ecr_repository" "r" {
  name                 = "import/app"
  image_tag_mutability = "IMMUTABLE"
}
resource "aws_ecr_repository_policy" "r" {
  repository = aws_ecr_repository.r.name
  policy     = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "pull", Effect = "Allow", Principal = "*", Action = "ecr:BatchGetImage" }] })
}
resource "aws_ecr_lifecycle_policy" "r" {
  repository = aws_ecr_repository.r.name
  policy = jsonencode({ rules = [{
    rulePriority = 1
    selection    = { tagStatus = "untagged", countType = "imageCountMoreThan", countNumber = 3 }
    action       = { type = "expire" }
  }] })
}
resource "aws_s3_bucket" "b" {
  bucket_prefix = "import-"
  tags          = { made = "by-terraform" }
}
resource "aws_s3_bucket_versioning" "b" {
  bucket = aws_s3_bucket.b.id
  versioning_configuration { status = "Enabled" }
}
resource "aws_s3_bucket_public_access_block" "b" {
  bucket              = aws_s3_bucket.b.id
  block_public_acls   = true
  block_public_policy = true
}
resource "aws_s3_bucket_ownership_controls" "b" {
  bucket = aws_s3_bucket.b.id
  rule { object_ownership = "BucketOwnerEnforced" }
}
resource "aws_s3_bucket_server_side_encryption_configuration" "b" {
  bucket = aws_s3_bucket.b.id
  rule {
    apply_server_side_encryption_by_default { sse_algorithm = "AES256" }
  }
}
resource "aws_s3_bucket_policy" "b" {
  bucket = aws_s3_bucket.b.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Effect = "Allow", Principal = { AWS = aws_iam_role.r.arn }, Action = "s3:GetObject", Resource = "${aws_s3_bucket.b.arn}/*"
  }] })
}
resource "aws_secretsmanager_secret" "s" {
  name        = "import"
  description = "a secret"
  tags        = { made = "by-terraform" }
}
resource "aws_secretsmanager_secret_version" "s" {
  secret_id     = aws_secretsmanager_secret.s.id
  secret_string = "value"
}
resource "aws_secretsmanager_secret_policy" "s" {
  secret_arn = aws_secretsmanager_secret.s.arn
  policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Effect = "Allow", Principal = { AWS = aws_iam_role.r.arn }, Action = "secretsmanager:GetSecretValue", Resource = "*"
  }] })
}
resource "aws_kms_key" "k" {
  description             = "import"
  deletion_window_in_days = 7
}
resource "aws_kms_alias" "k" {
  name          = "alias/import"
  target_key_id = aws_kms_key.k.key_id
}
resource "aws_ssm_parameter" "p" {
  name  = "/import/p"
  type  = "SecureString"
  value = "value"
}

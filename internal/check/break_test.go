package check

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// read returns the files of a directory below testdata.
func read(t *testing.T, dir string) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	err := filepath.WalkDir(filepath.Join("testdata", dir), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel("testdata", path)
		out[filepath.ToSlash(name)] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// broken is a clean source with one thing changed, and what is to be found.
type broken struct {
	name     string
	old, new string
	want     []string // "code@text of the line"
}

func (b broken) test(t *testing.T, files fstest.MapFS, path string) {
	t.Run(b.name, func(t *testing.T) {
		changed := false
		copied := fstest.MapFS{}
		for name, f := range files {
			text := strings.Replace(string(f.Data), b.old, b.new, 1)
			changed = changed || text != string(f.Data)
			copied[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if !changed {
			t.Fatalf("%q is not in the source", b.old)
		}
		r, err := Check(t.Context(), Options{Files: copied, Path: path})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range r.Findings {
			if f.Code != "neargate.type" {
				got = append(got, fmt.Sprintf("%s %s@%s", f.Severity, f.Code, strings.TrimSpace(r.lines[f.File][max(f.Line-1, 0)])))
			}
		}
		if !slices.Equal(got, b.want) {
			t.Errorf("findings are\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(b.want, "\n  "))
			for _, f := range r.Findings {
				if f.Code != "neargate.type" {
					t.Log(f.Code, f.Message)
				}
			}
		}
		for _, f := range r.Findings {
			pasted(t, copied, path, f)
		}
	})
}

var wholeResource = regexp.MustCompile(`^[A-Za-z0-9]+:\n  Type: `)

// pasted puts the resource of a fix into the template, where it is one: the
// fault must be gone.
func pasted(t *testing.T, files fstest.MapFS, path string, f Finding) {
	if f.Fix.Lang != cloudFormation || !wholeResource.MatchString(f.Fix.Text) {
		return
	}
	text := string(files[path].Data) + "  " + strings.ReplaceAll(f.Fix.Text, "\n", "\n  ") + "\n"
	if f.Code == "sec.not-found" {
		return // the reference is to be changed, too
	}
	r, err := Check(t.Context(), Options{Files: fstest.MapFS{path: &fstest.MapFile{Data: []byte(text)}}, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(r.Findings, func(g Finding) bool { return g.Code == f.Code || g.Code == "cfn.template" }) {
		t.Errorf("after its fix was pasted, %s is still there: %q", f.Code, lines(r))
	}
}

// Whatever is taken away from the clean template is found, where it is missing.
func TestBrokenTemplate(t *testing.T) {
	files := fstest.MapFS{"clean.yml": read(t, "")["clean.yml"]}
	const subnets = "AwsvpcConfiguration: { Subnets: [!Ref PrivateOne], SecurityGroups: [!Ref TaskGroup], AssignPublicIp: DISABLED }"
	for _, b := range []broken{
		{"no route to the NAT gateway", "DestinationCidrBlock: 0.0.0.0/0, NatGatewayId", "DestinationCidrBlock: 192.0.2.0/24, NatGatewayId", []string{"error net.no-route@" + subnets}},
		{"NAT gateway without a way out", "RouteTableId: !Ref PublicTable, DestinationCidrBlock: 0.0.0.0/0", "RouteTableId: !Ref PublicTable, DestinationCidrBlock: 192.0.2.0/24", []string{"error net.nat-no-route@" + subnets}},
		{"public subnet without a public IP", "Subnets: [!Ref PrivateOne]", "Subnets: [!Ref PublicOne]", []string{"error net.igw-no-public-ip@" + strings.Replace(subnets, "PrivateOne", "PublicOne", 1)}},
		{"no outbound rule", "SecurityGroupIngress: [{ IpProtocol: tcp, FromPort: 8080", "SecurityGroupEgress: [{ IpProtocol: tcp, FromPort: 53, ToPort: 53, CidrIp: 0.0.0.0/0 }]\n      SecurityGroupIngress: [{ IpProtocol: tcp, FromPort: 8080", []string{"error net.sg-egress@SecurityGroupEgress: [{ IpProtocol: tcp, FromPort: 53, ToPort: 53, CidrIp: 0.0.0.0/0 }]"}},
		{"load balancer is not let in", "FromPort: 8080, ToPort: 8080, Source", "FromPort: 80, ToPort: 80, Source", []string{"error lb.sg@SecurityGroupIngress: [{ IpProtocol: tcp, FromPort: 80, ToPort: 80, SourceSecurityGroupId: !Ref BalancerGroup }]"}},
		{"a network load balancer without groups is let in by no group", "      SecurityGroups: [!Ref BalancerGroup]\n  Targets:", "      Type: network\n  Targets:", []string{"error lb.sg@SecurityGroupIngress: [{ IpProtocol: tcp, FromPort: 8080, ToPort: 8080, SourceSecurityGroupId: !Ref BalancerGroup }]"}},
		{"network ACL", "  PublicOneTable:", "  Borders: { Type: AWS::EC2::NetworkAcl, Properties: { VpcId: !Ref VPC } }\n  BordersOne: { Type: AWS::EC2::SubnetNetworkAclAssociation, Properties: { SubnetId: !Ref PrivateOne, NetworkAclId: !Ref Borders } }\n  PublicOneTable:", []string{"error lb.sg@Borders: { Type: AWS::EC2::NetworkAcl, Properties: { VpcId: !Ref VPC } }", "error net.nacl@Borders: { Type: AWS::EC2::NetworkAcl, Properties: { VpcId: !Ref VPC } }"}},
		{"DNS is off", "EnableDnsSupport: true", "EnableDnsSupport: false", []string{"error net.dns-off@Properties: { CidrBlock: 10.30.0.0/16, EnableDnsSupport: false, EnableDnsHostnames: true }"}},
		{"wrong principal", "Principal: { Service: ecs-tasks.amazonaws.com }", "Principal: { Service: ecs.amazonaws.com }", []string{"error iam.trust@AssumeRolePolicyDocument:"}},
		{"no managed policy", "      ManagedPolicyArns: ['arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy']\n", "", []string{"error iam.exec-logs@Policies:"}},
		{"no permission for the secret", "Resource: !Ref Password", "Resource: !Sub '${Password}x'", []string{"error iam.exec-secret@Policies:"}},
		{"permission on the other role", "Action: 'secretsmanager:GetSecretValue', Resource: !Ref Password", "Action: 'sqs:SendMessage', Resource: '*'", []string{"error iam.exec-secret@Policies:"}},
		{"no permission for sessions", "ssmmessages:*", "ssm:*", []string{"error exec.permission@Policies:"}},
		{"no task role", "      TaskRoleArn: !GetAtt TaskRole.Arn\n", "", []string{"error exec.no-task-role@EnableExecuteCommand: true"}},
		{"no such key", "${Password}:password::", "${Password}:passwort::", []string{"error sec.json-key@Secrets: [{ Name: PASSWORD, ValueFrom: !Sub '${Password}:passwort::' }]"}},
		{"no such group", "awslogs-group: !Ref Logs", "awslogs-group: elsewhere", []string{"error logs.no-group@Options: { awslogs-group: elsewhere, awslogs-region: !Ref AWS::Region, awslogs-stream-prefix: web }"}},
		{"no prefix", ", awslogs-stream-prefix: web", "", []string{"error logs.option@Options: { awslogs-group: !Ref Logs, awslogs-region: !Ref AWS::Region }"}},
		{"wrong size", "Memory: '1024'", "Memory: '512'", []string{"error ecs.fargate-size@Memory: '512'"}},
		{"wrong container", "ContainerName: web, ContainerPort", "ContainerName: wep, ContainerPort", []string{"error ecs.lb-container@LoadBalancers: [{ ContainerName: wep, ContainerPort: 8080, TargetGroupArn: !Ref Targets }]"}},
		{"wrong port", "ContainerName: web, ContainerPort: 8080", "ContainerName: web, ContainerPort: 80", []string{"error run.wrong-port@LoadBalancers: [{ ContainerName: web, ContainerPort: 80, TargetGroupArn: !Ref Targets }]"}},
		{"health of another port", "HealthCheckPort: traffic-port", "HealthCheckPort: 9000", []string{"error lb.health-port@HealthCheckPort: 9000"}},
		{"targets of the wrong type", "      TargetType: ip\n", "", []string{"error lb.target-type@Targets:"}},
		{"listener is not waited for", "DependsOn: [Listener, ", "DependsOn: [", []string{"warning lb.no-listener@Service:"}},
		{"no certificate", "      Certificates: [{ CertificateArn: !Ref Certificate }]\n", "", []string{"error lb.no-certificate@Protocol: HTTPS"}},
		{"load balancer in one zone", "Subnets: [!Ref PublicOne, !Ref PublicTwo]", "Subnets: [!Ref PublicOne]", []string{"error lb.zones@Subnets: [!Ref PublicOne]"}},
		{"load balancer twice in a zone", "Subnets: [!Ref PublicOne, !Ref PublicTwo]", "Subnets: [!Ref PublicOne, !Ref PrivateOne]", []string{"error lb.zones@Subnets: [!Ref PublicOne, !Ref PrivateOne]"}},
		{"bad certificate", "CertificateArn: !Ref Certificate", "CertificateArn: arn:aws:acm:us-east-1:1:certificate/x", []string{"error lb.certificate@Certificates: [{ CertificateArn: arn:aws:acm:us-east-1:1:certificate/x }]", "note tpl.region@Certificates: [{ CertificateArn: arn:aws:acm:us-east-1:1:certificate/x }]"}},
		{"misspelt property", "DesiredCount: 2", "DesiredCout: 2", []string{"error cfn.property@DesiredCout: 2"}},
		{"misplaced property", "AssignPublicIp: DISABLED }", "AssignPublicIp: DISABLED, HealthCheckGracePeriodSeconds: 9 }", []string{"error cfn.misplaced-property@" + strings.Replace(subnets, " }", ", HealthCheckGracePeriodSeconds: 9 }", 1)}},
		{"wrong type", "DesiredCount: 2", "DesiredCount: two", []string{"error cfn.type@DesiredCount: two"}},
		{"required property", "{ CidrBlock: 10.30.0.0/16, ", "{ ", []string{"error cfn.required@Properties: { EnableDnsSupport: true, EnableDnsHostnames: true }"}},
		{"unknown reference", "VpcId: !Ref VPC, CidrBlock: 10.30.2.0/24", "VpcId: !Ref VCP, CidrBlock: 10.30.2.0/24", []string{"error cfn.template@Properties: { VpcId: !Ref VCP, CidrBlock: 10.30.2.0/24, AvailabilityZone: !Select [0, !GetAZs ''] }"}},
		{"unknown attribute", "!GetAtt ExecutionRole.Arn", "!GetAtt ExecutionRole.ARN", []string{"error cfn.attribute@ExecutionRoleArn: !GetAtt ExecutionRole.ARN"}},
		{"overlapping subnets", "CidrBlock: 10.30.1.0/24", "CidrBlock: 10.30.0.0/24", []string{"error aws.refused@Properties: { VpcId: !Ref VPC, CidrBlock: 10.30.0.0/24, AvailabilityZone: !Select [1, !GetAZs ''] }"}},
		{"effect in capitals", "[{ Effect: Allow, Action: 'ssmmessages:*'", "[{ Effect: ALLOW, Action: 'ssmmessages:*'", []string{"error iam.policy@PolicyDocument:"}},
		{"duplicate key", "  Cluster:\n", "  Cluster:\n    Type: AWS::ECS::Cluster\n  Cluster:\n", []string{"warning cfn.duplicate-key@Cluster:"}},
		{"misspelt type", "AWS::ECS::TaskDefinition", "AWS::ECS::TaskDefinitions", []string{"error cfn.type-name@Type: AWS::ECS::TaskDefinitions"}},
	} {
		b.test(t, files, "clean.yml")
	}
}

// A port of health checks of its own must be let in, too.
func TestHealthCheckPortIsLetIn(t *testing.T) {
	files := read(t, "clean.yml")
	text := strings.Replace(string(files["clean.yml"].Data), "[{ ContainerPort: 8080 }]", "[{ ContainerPort: 8080 }, { ContainerPort: 9000 }]", 1)
	files["clean.yml"] = &fstest.MapFile{Data: []byte(text)}
	rule := "SecurityGroupIngress: [{ IpProtocol: tcp, FromPort: 8080, ToPort: 8080, SourceSecurityGroupId: !Ref BalancerGroup }]"
	broken{"health of a port that is not let in", "HealthCheckPort: traffic-port", "HealthCheckPort: 9000", []string{"error lb.sg@" + rule}}.test(t, files, "clean.yml")
}

// The same for Terraform.
func TestBrokenTerraform(t *testing.T) {
	files := read(t, "clean")
	const subnets = "subnets         = module.network.private"
	for _, b := range []broken{
		{"no NAT gateway in the route", "  nat_gateway_id         = aws_nat_gateway.main.id\n", "  gateway_id         = aws_internet_gateway.main.id\n", []string{"error net.igw-no-public-ip@" + subnets}},
		{"no route", "destination_cidr_block = \"0.0.0.0/0\"", "destination_cidr_block = \"192.0.2.0/24\"", []string{"error net.no-route@" + subnets}},
		{"no outbound rule", "resource \"aws_vpc_security_group_egress_rule\" \"web\" {\n  security_group_id = aws_security_group.web.id", "resource \"aws_vpc_security_group_egress_rule\" \"web\" {\n  security_group_id = aws_security_group.front.id", []string{"error net.sg-egress@resource \"aws_security_group\" \"web\" {"}},
		{"load balancer is not let in", "from_port                    = 8080\n  to_port                      = 8080", "from_port                    = 80\n  to_port                      = 80", []string{"error lb.sg@resource \"aws_security_group\" \"web\" {"}},
		{"wrong principal", "ecs-tasks.amazonaws.com", "ecs.amazonaws.com", []string{"error iam.trust@assume_role_policy = data.aws_iam_policy_document.tasks.json"}},
		{"wrong account", "values   = [data.aws_caller_identity.me.account_id]", "values   = [\"111111111111\"]", []string{"error iam.trust@assume_role_policy = data.aws_iam_policy_document.tasks.json"}},
		{"no managed policy", "role       = aws_iam_role.execution.name\n  policy_arn = \"arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy\"", "role       = aws_iam_role.execution.name\n  policy_arn = \"arn:aws:iam::aws:policy/ReadOnlyAccess\"", []string{"error iam.exec-logs@resource \"aws_iam_role\" \"execution\" {"}},
		{"no permission for the secret", "secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret", []string{"error iam.exec-secret@resource \"aws_iam_role\" \"execution\" {"}},
		{"undeclared local", "region = local.region\n}", "region = local.regoin\n}", []string{"error tf.undeclared@region = local.regoin"}},
		{"undeclared resource", "cluster                           = aws_ecs_cluster.main.id", "cluster                           = aws_ecs_cluster.man.id", []string{"error tf.undeclared@cluster                           = aws_ecs_cluster.man.id"}},
		{"no such group", "awslogs-group         = aws_cloudwatch_log_group.web.name", "awslogs-group         = \"/ecs/wep\"", []string{"error logs.no-group@awslogs-group         = \"/ecs/wep\""}},
		{"key that is dropped", "portMappings = [{ containerPort = 8080 }]", "portMappings = [{ containerPort = 8080 }]\n    essentail = true", []string{"warning tf.dropped-key@essentail = true"}},
		{"listener is not waited for", "depends_on = [aws_lb_listener.https, ", "depends_on = [", []string{"warning lb.no-listener@resource \"aws_ecs_service\" \"web\" {"}},
		{"broken text", "resource \"aws_ecs_cluster\" \"main\" {", "resource \"aws_ecs_cluster\" \"main\" {{", []string{"error tf.syntax@resource \"aws_ecs_cluster\" \"main\" {{"}},
	} {
		b.test(t, files, "clean")
	}
}

package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/testenv"
)

const seedVPC = `
resource "aws_vpc" "v" {
  cidr_block           = "10.40.0.0/16"
  enable_dns_hostnames = true
}
resource "aws_internet_gateway" "g" { vpc_id = aws_vpc.v.id }
resource "aws_subnet" "public" {
  count             = 2
  vpc_id            = aws_vpc.v.id
  cidr_block        = "10.40.${count.index}.0/24"
  availability_zone = ["eu-west-1a", "eu-west-1b"][count.index]
}
resource "aws_subnet" "private" {
  count             = 2
  vpc_id            = aws_vpc.v.id
  cidr_block        = "10.40.1${count.index}.0/24"
  availability_zone = ["eu-west-1a", "eu-west-1b"][count.index]
}
resource "aws_eip" "nat" { domain = "vpc" }
resource "aws_nat_gateway" "n" {
  subnet_id     = aws_subnet.public[0].id
  allocation_id = aws_eip.nat.id
  depends_on    = [aws_internet_gateway.g]
}
resource "aws_route_table" "public" {
  vpc_id = aws_vpc.v.id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.g.id
  }
}
resource "aws_route_table" "private" {
  vpc_id = aws_vpc.v.id
  route {
    cidr_block     = "0.0.0.0/0"
    nat_gateway_id = aws_nat_gateway.n.id
  }
}
resource "aws_route_table_association" "public" {
  count          = 2
  subnet_id      = aws_subnet.public[count.index].id
  route_table_id = aws_route_table.public.id
}
resource "aws_route_table_association" "private" {
  count          = 2
  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private.id
}
resource "aws_acm_certificate" "c" {
  domain_name       = "app.example.com"
  validation_method = "DNS"
}
output "vpc_id" { value = aws_vpc.v.id }
output "public_subnet_ids" { value = aws_subnet.public[*].id }
output "private_subnet_ids" { value = aws_subnet.private[*].id }
output "certificate_arn" { value = aws_acm_certificate.c.arn }
`

const byHand = `
resource "aws_lb_target_group" "hand" {
  name        = "by-hand"
  port        = 8080
  protocol    = "HTTP"
  vpc_id      = data.aws_vpc.main.id
  target_type = "ip"
}
resource "aws_lb_target_group_attachment" "hand" {
  target_group_arn = aws_lb_target_group.hand.arn
  target_id        = "10.40.10.200"
  port             = 8080
}
`

// seed is the fourth seed's application by Terraform.
type seed struct {
	*terraform
	source map[string]string // the files as they are shared
	name   string            // of the load balancer
	client *http.Client
}

// change writes the application with parts of its source replaced: old, new, old, new ...
func (s *seed) change(pairs ...string) {
	s.t.Helper()
	replaced := make([]bool, len(pairs)/2)
	for name, text := range s.source {
		for i := range replaced {
			replaced[i] = replaced[i] || strings.Contains(text, pairs[2*i])
			text = strings.ReplaceAll(text, pairs[2*i], pairs[2*i+1])
		}
		s.file(name, []byte(text))
	}
	for i, ok := range replaced {
		if !ok {
			s.t.Fatalf("the seed has no %q", pairs[2*i])
		}
	}
}

// newSeed makes the application's folder, for a VPC.
func newSeed(a *account, variables map[string]any) *seed {
	a.t.Helper()
	archive := nginxArchive(a.t, a.dir)
	for _, name := range []string{"nginx:seed", "nginx:newer"} {
		if r := a.neargate("image", "load", archive, "--name", name); r.code != 0 {
			a.t.Fatalf("image load: exit %d\n%s", r.code, r.out)
		}
	}
	s := &seed{terraform: terraformIn(a, "app"), source: map[string]string{}}
	s.variables(variables)
	for _, name := range []string{"main.tf", "app.tf"} {
		text, err := os.ReadFile(testenv.Shared(a.t, "examples", "fargate-alb-terraform", name))
		if err != nil {
			a.t.Fatal(err)
		}
		s.source[name] = strings.ReplaceAll(string(text), "nginx:latest", "nginx:seed")
	}
	s.change()
	s.run("init", "-input=false", "-no-color")
	return s
}

// outputs are the values that a configuration shows.
func (t *terraform) outputs() map[string]any {
	t.t.Helper()
	var all map[string]struct{ Value any }
	t.shown(&all, "output", "-json")
	values := map[string]any{}
	for name, o := range all {
		values[name] = o.Value
	}
	return values
}

// connect makes a client that asks for app.example.com at the load balancer and
// trusts the instance's authority, as curl --cacert --connect-to does.
func (s *seed) connect() {
	s.t.Helper()
	pem, err := os.ReadFile(filepath.Join(s.dataDir, "pki", "ca.crt"))
	if err != nil {
		s.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	s.name = s.aws("elbv2", "describe-load-balancers", "--query", "LoadBalancers[0].DNSName", "--output", "text")
	s.client = &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				_, port, err := net.SplitHostPort(address)
				if err != nil {
					return nil, err
				}
				return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(s.name, port))
			},
		},
	}
}

// get returns the status and the body of an answer, and where it leads.
func (s *seed) get(url string) (string, error) {
	res, err := s.client.Get(url)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	text := fmt.Sprintf("%d %s", res.StatusCode, strings.TrimSpace(string(body)))
	if to := res.Header.Get("Location"); to != "" {
		text = fmt.Sprintf("%d to %s", res.StatusCode, to)
	}
	return text, err
}

// answers waits until the application answers so.
func (s *seed) answers(want string) {
	s.t.Helper()
	s.eventually(60*time.Second, "the application answers "+want, func() error {
		got, err := s.get("https://app.example.com/x")
		if err != nil || got != want {
			return fmt.Errorf("%q %v", got, err)
		}
		return nil
	})
}

// settled waits until the service has one deployment, which is complete, and as many tasks.
func (s *seed) settled(tasks int) {
	s.t.Helper()
	s.eventually(90*time.Second, "the service is settled", func() error {
		got := s.aws("ecs", "describe-services", "--cluster", "example-app-cluster", "--services", "example-app-api",
			"--query", "services[0].[length(deployments),deployments[0].rolloutState,runningCount]", "--output", "text")
		if want := fmt.Sprintf("1\tCOMPLETED\t%d", tasks); got != want {
			return fmt.Errorf("%q; %s", got, s.aws("ecs", "describe-services", "--cluster", "example-app-cluster", "--services", "example-app-api", "--query", "services[0].events[:4].message"))
		}
		return nil
	})
}

// load asks until stop is called, which tells how many requests there were and
// what went wrong with which.
func (s *seed) load() (stop func() (int, []string)) {
	ctx, cancel := context.WithCancel(s.t.Context())
	var running sync.WaitGroup
	var mu sync.Mutex
	asked, failed := 0, []string{}
	for range 4 {
		running.Go(func() {
			for ctx.Err() == nil {
				got, err := s.get("https://app.example.com/x")
				mu.Lock()
				asked++
				if err != nil || !strings.HasPrefix(got, "200 build v") {
					failed = append(failed, fmt.Sprintf("%s %q %v", time.Now().Format(time.TimeOnly), got, err))
				}
				mu.Unlock()
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	return func() (int, []string) { cancel(); running.Wait(); return asked, failed }
}

// TestFourthSeed is the article's application with the unmodified provider: from
// apply through HTTPS and a rolling update without a failed request to destroy.
func TestFourthSeed(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	vpc := newTerraform(a, seedVPC)
	vpc.apply()
	s := newSeed(a, vpc.outputs())
	s.apply()
	s.connect()
	if got, err := s.get("http://app.example.com/x?y=1"); err != nil || got != "301 to https://app.example.com:443/x?y=1" {
		t.Errorf("by HTTP: %q %v", got, err)
	}
	s.answers("200 build v0.1.0")
	s.settled(1)

	// Another value and another image, under load.
	stop := s.load()
	s.change("v0.1.0", "v0.2.0", "nginx:seed", "nginx:newer")
	s.apply()
	s.answers("200 build v0.2.0")
	s.settled(1)
	s.eventually(30*time.Second, "the old task is gone", func() error {
		if left := s.aws("ecs", "list-tasks", "--cluster", "example-app-cluster", "--desired-status", "STOPPED", "--query", "taskArns", "--output", "text"); left == "" || left == "None" {
			return errors.New("no task has stopped")
		}
		return nil
	})
	if asked, failed := stop(); len(failed) > 0 || asked < 100 {
		t.Errorf("%d of %d requests failed in the rolling update: %.300q", len(failed), asked, failed)
	}

	// In public subnets with public addresses, two tasks, a check for a page that is not
	// there, and a target that is attached by hand.
	s.change("v0.1.0", "v0.3.0", "data.aws_subnet.private.*.id", "data.aws_subnet.public.*.id", "assign_public_ip = false", "assign_public_ip = true",
		"desired_count       = 1", "desired_count       = 2", `path                = "/"`, `path                = "/missing"`, `matcher             = "200"`, `matcher             = "404"`,
		`resource "aws_ecs_service" "main" {`, byHand+`resource "aws_ecs_service" "main" {`)
	s.apply()
	s.answers("200 build v0.3.0")
	s.settled(2)

	// The provider repeats this for five minutes, so it is asked of the API.
	listeners := need[*elbv2api.DescribeListenersOutput](t)(s.elb().DescribeListeners(t.Context(), &elbv2api.DescribeListenersInput{
		LoadBalancerArn: s.aws("elbv2", "describe-load-balancers", "--query", "LoadBalancers[0].LoadBalancerArn", "--output", "text"),
	})).Listeners
	for _, l := range listeners {
		if l.Protocol != "HTTPS" {
			continue
		}
		_, err := s.elb().ModifyListener(t.Context(), &elbv2api.ModifyListenerInput{
			ListenerArn: l.ListenerArn, Certificates: []elbv2api.Certificate{{CertificateArn: "arn:aws:acm:eu-west-1:" + s.ID + ":certificate/00000000-0000-0000-0000-000000000000"}},
		})
		if err == nil || !strings.Contains(err.Error(), "CertificateNotFound") {
			t.Errorf("a certificate that is not there: %v", err)
		}
	}
	if r := s.neargate("why", "service/example-app-api"); r.code != 0 || !strings.Contains(r.out, "2/2 running") {
		t.Errorf("why: exit %d\n%s", r.code, r.out)
	}

	s.destroy()
	s.leavesNothing("10.40.0.0/16")
	vpc.destroy()
}

// leavesNothing looks for what the application made, when it is destroyed.
func (s *seed) leavesNothing(cidr string) {
	s.t.Helper()
	vpc := s.aws("ec2", "describe-vpcs", "--filters", "Name=cidr,Values="+cidr, "--query", "Vpcs[0].VpcId", "--output", "text")
	for what, left := range map[string]string{
		"load balancers": s.aws("elbv2", "describe-load-balancers", "--query", "LoadBalancers[].LoadBalancerArn", "--output", "text"),
		"target groups":  s.aws("elbv2", "describe-target-groups", "--query", "TargetGroups[].TargetGroupArn", "--output", "text"),
		"interfaces":     s.aws("ec2", "describe-network-interfaces", "--filters", "Name=vpc-id,Values="+vpc, "--query", "NetworkInterfaces[?InterfaceType!='nat_gateway'].NetworkInterfaceId", "--output", "text"),
		"groups":         s.aws("ec2", "describe-security-groups", "--filters", "Name=vpc-id,Values="+vpc, "--query", "SecurityGroups[?GroupName!='default'].GroupName", "--output", "text"),
		"tasks":          s.aws("ecs", "list-task-definitions", "--query", "taskDefinitionArns", "--output", "text"),
		"clusters":       s.aws("ecs", "list-clusters", "--query", "clusterArns", "--output", "text"),
		"roles":          s.aws("iam", "list-roles", "--query", "Roles[?!starts_with(Path, '/aws-service-role/')].RoleName", "--output", "text"),
	} {
		if left != "" && left != "None" {
			s.t.Errorf("%s are left: %s", what, left)
		}
	}
	hosts, err := os.ReadFile("/etc/hosts")
	if err != nil || strings.Contains(string(hosts), s.name) {
		s.t.Errorf("the load balancer's name is left in the hosts file (%v)", err)
	}
	// The log group is the task's, not Terraform's: awslogs-create-group made it.
	if groups := s.aws("logs", "describe-log-groups", "--query", "logGroups[].logGroupName", "--output", "text"); !slices.Contains(strings.Fields(groups), "awslogs-example-app-api") {
		s.t.Errorf("log groups: %q", groups)
	}
}

// TestFourthSeedWithATypo applies the application as the article has it, in a VPC
// that CloudFormation made: the private subnets are the public ones, so the task has no
// way to its image. why says so, with the line that mends it, and then it works.
func TestFourthSeedWithATypo(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.aws("cloudformation", "deploy", "--template-file", filepath.Join(testenv.Root(), "examples/https-service/network.yml"), "--stack-name", "network", "--parameter-overrides", "Range=10.41.0.0/16")
	variables := map[string]any{"certificate_arn": a.aws("acm", "request-certificate", "--domain-name", "app.example.com", "--validation-method", "DNS", "--query", "CertificateArn", "--output", "text")}
	for _, o := range awsJSON[struct{ Stacks []stackView }](a, "cloudformation", "describe-stacks", "--stack-name", "network").Stacks[0].Outputs {
		switch o.OutputKey {
		case "VpcId":
			variables["vpc_id"] = o.OutputValue
		case "PublicSubnets":
			variables["public_subnet_ids"] = strings.Split(o.OutputValue, ",")
		case "PrivateSubnets":
			variables["private_subnet_ids"] = strings.Split(o.OutputValue, ",")
		}
	}
	s := newSeed(a, variables)
	s.change("id    = var.private_subnet_ids[count.index]", "id    = var.public_subnet_ids[count.index]")
	s.apply()
	private := slices.Sorted(slices.Values(variables["private_subnet_ids"].([]string))) // as why lists them
	s.eventually(60*time.Second, "why knows that the task cannot reach its image", func() error {
		r := s.neargate("why", "service/example-app-api")
		for _, want := range []string{"net.igw-no-public-ip", "Fix       (terraform, ", "assign_public_ip = true", `# subnets = ["` + strings.Join(private, `", "`) + `"]`} {
			if !strings.Contains(r.out, want) {
				return fmt.Errorf("no %q in\n%s", want, r.out)
			}
		}
		return nil
	})
	s.change()
	s.apply()
	s.connect()
	s.answers("200 build v0.1.0")
	s.destroy()
	s.leavesNothing("10.41.0.0/16")
	a.gone("network")
}

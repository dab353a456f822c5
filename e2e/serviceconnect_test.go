package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/client"
)

// connected is a namespace with two services: a client, which relays what this
// machine asks it, and a backend, which it knows as backend:8080.
type connected struct {
	*account
	ecs               ecsapi.API
	image, role       string
	front, back       string // security groups of the client and of the backend
	network           func(group string) *ecsapi.NetworkConfiguration
	address           string // of the client's task, as this machine reaches it
	backendDefinition func(text string) string
	transport         http.Transport
}

func newConnected(t *testing.T) *connected {
	c := &connected{account: newAccount(t)}
	c.ecs = ecsapi.NewClient(c.client())
	vpc := c.aws("ec2", "describe-vpcs", "--filters", "Name=is-default,Values=true", "--query", "Vpcs[0].VpcId", "--output", "text")
	subnet := c.aws("ec2", "describe-subnets", "--filters", "Name=default-for-az,Values=true", "--query", "Subnets[0].SubnetId", "--output", "text")
	c.front = c.aws("ec2", "create-security-group", "--group-name", "front", "--description", "front", "--vpc-id", vpc, "--query", "GroupId", "--output", "text")
	c.back = c.aws("ec2", "create-security-group", "--group-name", "back", "--description", "back", "--vpc-id", vpc, "--query", "GroupId", "--output", "text")
	c.aws("ec2", "authorize-security-group-ingress", "--group-id", c.front, "--protocol", "tcp", "--port", "80", "--cidr", "203.0.113.1/32")
	c.network = func(group string) *ecsapi.NetworkConfiguration {
		return &ecsapi.NetworkConfiguration{AwsvpcConfiguration: &ecsapi.AwsVpcConfiguration{Subnets: []string{subnet}, SecurityGroups: []string{group}, AssignPublicIp: "ENABLED"}}
	}
	c.image, c.role = c.push(probeArchive(t, c.dir), "web", "1"), c.executionRole("execution")
	c.backendDefinition = func(text string) string {
		return c.define("backend", []string{"serve", text}, ecsapi.PortMapping{Name: "web", ContainerPort: new(int32(80)), AppProtocol: "http"})
	}
	return c
}

func (c *connected) client() *client.Client {
	return &client.Client{Endpoint: c.endpoint, Region: c.Region, Key: sigv4.Credentials{AccessKeyID: c.Key, SecretAccessKey: c.Secret}}
}

func (c *connected) define(family string, command []string, ports ...ecsapi.PortMapping) string {
	c.t.Helper()
	out := need[*ecsapi.RegisterTaskDefinitionResponse](c.t)(c.ecs.RegisterTaskDefinition(c.t.Context(), &ecsapi.RegisterTaskDefinitionRequest{
		Family: family, Cpu: "256", Memory: "512", NetworkMode: "awsvpc", RequiresCompatibilities: []ecsapi.Compatibility{"FARGATE"}, ExecutionRoleArn: c.role,
		ContainerDefinitions: []ecsapi.ContainerDefinition{{Name: "app", Image: c.image, Command: command, PortMappings: ports}},
	}))
	return out.TaskDefinition.TaskDefinitionArn
}

func (c *connected) serve(name, definition, group string, count int32, services ...ecsapi.ServiceConnectService) {
	c.t.Helper()
	need[*ecsapi.CreateServiceResponse](c.t)(c.ecs.CreateService(c.t.Context(), &ecsapi.CreateServiceRequest{
		Cluster: "tests", ServiceName: name, TaskDefinition: definition, DesiredCount: &count, LaunchType: "FARGATE", NetworkConfiguration: c.network(group),
		ServiceConnectConfiguration: &ecsapi.ServiceConnectConfiguration{Enabled: true, Services: services},
	}))
	c.stable(name)
}

// stable waits until a service has one deployment that has all its tasks.
func (c *connected) stable(name string) {
	c.t.Helper()
	c.eventually(60*time.Second, name+" is stable", func() error {
		s := c.service(name)
		if len(s.Deployments) != 1 || s.RunningCount != s.DesiredCount || s.Deployments[0].RolloutState != "COMPLETED" {
			return fmt.Errorf("%d of %d tasks, %d deployments, %s", s.RunningCount, s.DesiredCount, len(s.Deployments), s.Deployments[0].RolloutState)
		}
		return nil
	})
}

func (c *connected) service(name string) ecsapi.Service {
	c.t.Helper()
	return need[*ecsapi.DescribeServicesResponse](c.t)(c.ecs.DescribeServices(c.t.Context(), &ecsapi.DescribeServicesRequest{Cluster: "tests", Services: []string{name}})).Services[0]
}

// task is a task of a service.
func (c *connected) task(service string) ecsapi.Task {
	c.t.Helper()
	list := need[*ecsapi.ListTasksResponse](c.t)(c.ecs.ListTasks(c.t.Context(), &ecsapi.ListTasksRequest{Cluster: "tests", ServiceName: service}))
	return need[*ecsapi.DescribeTasksResponse](c.t)(c.ecs.DescribeTasks(c.t.Context(), &ecsapi.DescribeTasksRequest{Cluster: "tests", Tasks: list.TaskArns[:1]})).Tasks[0]
}

// ask lets the client ask the backend.
func (c *connected) ask(ctx context.Context) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.address+"/x", nil)
	if err != nil {
		return 0, "", err
	}
	res, err := c.transport.RoundTrip(r)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

// answers waits for an answer that begins with a text.
func (c *connected) answers(status int, text string) {
	c.t.Helper()
	c.eventually(30*time.Second, fmt.Sprintf("the client gets %d %s", status, text), func() error {
		got, body, err := c.ask(c.t.Context())
		if err != nil || got != status || !strings.HasPrefix(body, text) {
			return fmt.Errorf("%d %q %v", got, body, err)
		}
		return nil
	})
}

// TestServiceConnect: two services of a namespace, the one calls the other by its
// name; updates lose no request, and a closed security group is explained.
func TestServiceConnect(t *testing.T) {
	t.Parallel()
	c := newConnected(t)
	c.aws("ec2", "authorize-security-group-ingress", "--group-id", c.back, "--protocol", "tcp", "--port", "80", "--source-group", c.front)
	made := c.aws("ecs", "create-cluster", "--cluster-name", "tests", "--service-connect-defaults", "namespace=mesh", "--query", "cluster.serviceConnectDefaults.namespace", "--output", "text")
	if !strings.Contains(made, ":namespace/ns-") {
		t.Errorf("the cluster's namespace is %s", made)
	}
	c.serve("backend", c.backendDefinition("one"), c.back, 2, ecsapi.ServiceConnectService{PortName: "web", ClientAliases: []ecsapi.ServiceConnectClientAlias{{DnsName: "backend", Port: 8080}}})
	c.serve("front", c.define("front", []string{"relay", "http://backend:8080"}, ecsapi.PortMapping{ContainerPort: new(int32(80))}), c.front, 1)
	front := c.task("front")
	c.address = c.aws("ec2", "describe-network-interfaces", "--network-interface-ids", detail(front, "ElasticNetworkInterface", "networkInterfaceId"), "--query", "NetworkInterfaces[0].Association.PublicIp", "--output", "text")
	c.answers(200, "one GET /x for  from 127.0.0.1")

	if name := detail(front, "Service Connect", "ContainerName"); !strings.HasPrefix(name, "ecs-service-connect-") || front.Containers[len(front.Containers)-1].Name != name {
		t.Errorf("the proxy of the task is %q: %+v", name, front.Containers)
	}
	d := c.service("backend").Deployments[0]
	if len(d.ServiceConnectResources) != 1 || d.ServiceConnectResources[0].DiscoveryName != "web" || !strings.Contains(d.ServiceConnectResources[0].DiscoveryArn, ":service/srv-") || d.ServiceConnectConfiguration.Services[0].ClientAliases[0].DnsName != "backend" {
		t.Errorf("the deployment has %+v %+v", d.ServiceConnectConfiguration, d.ServiceConnectResources)
	}
	if in := c.aws("ecs", "list-services-by-namespace", "--namespace", "mesh", "--query", "length(serviceArns)", "--output", "text"); in != "2" {
		t.Errorf("%s services are in the namespace", in)
	}
	found := need[*servicediscoveryapi.DiscoverInstancesResponse](t)(servicediscoveryapi.NewClient(c.client()).DiscoverInstances(t.Context(), &servicediscoveryapi.DiscoverInstancesRequest{NamespaceName: "mesh", ServiceName: "web"}))
	if len(found.Instances) != 2 || found.Instances[0].Attributes["AWS_INSTANCE_PORT"] != "80" {
		t.Errorf("Cloud Map has %+v", found.Instances)
	}
	testConnectedUpdate(c)
	testConnectedBlocked(c)
	testConnectedGone(c)
}

func detail(t ecsapi.Task, attachment, name string) string {
	for _, a := range t.Attachments {
		for _, d := range a.Details {
			if a.Type == attachment && d.Name == name {
				return d.Value
			}
		}
	}
	return ""
}

// testConnectedUpdate updates the backend while the client asks it all the time.
func testConnectedUpdate(c *connected) {
	ctx, stop := context.WithCancel(c.t.Context())
	defer stop()
	var group errgroup.Group
	var asked, updated atomic.Int64
	for range 3 {
		group.Go(func() error {
			for ctx.Err() == nil {
				status, body, err := c.ask(c.t.Context())
				if err != nil || status != 200 {
					return fmt.Errorf("request %d: %d %q %v", asked.Load(), status, body, err)
				}
				asked.Add(1)
				if strings.HasPrefix(body, "two") {
					updated.Add(1)
				}
				time.Sleep(2 * time.Millisecond)
			}
			return nil
		})
	}
	need[*ecsapi.UpdateServiceResponse](c.t)(c.ecs.UpdateService(ctx, &ecsapi.UpdateServiceRequest{Cluster: "tests", Service: "backend", TaskDefinition: c.backendDefinition("two")}))
	c.stable("backend")
	stop()
	if err := group.Wait(); err != nil || updated.Load() == 0 {
		c.t.Errorf("of %d requests, %d to the new tasks: %v", asked.Load(), updated.Load(), err)
	}
}

// testConnectedBlocked closes the backend's security group and opens it again.
func testConnectedBlocked(c *connected) {
	rule := []string{"--group-id", c.back, "--protocol", "tcp", "--port", "80", "--source-group", c.front}
	c.aws(append([]string{"ec2", "revoke-security-group-ingress"}, rule...)...)
	need[*ecsapi.UpdateServiceResponse](c.t)(c.ecs.UpdateService(c.t.Context(), &ecsapi.UpdateServiceRequest{Cluster: "tests", Service: "backend", ForceNewDeployment: true}))
	c.stable("backend") // connections that were there before would go on
	c.answers(503, "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: connection timeout")
	fix := c.why("service/front", "net.sg-ingress")
	if out := c.shell(fix); out.code != 0 {
		c.t.Errorf("the fix: %s", out.out)
	}
	c.answers(200, "two")
}

// testConnectedGone deletes the services: what ECS made in Cloud Map goes, too.
func testConnectedGone(c *connected) {
	for _, name := range []string{"front", "backend"} {
		need[*ecsapi.DeleteServiceResponse](c.t)(c.ecs.DeleteService(c.t.Context(), &ecsapi.DeleteServiceRequest{Cluster: "tests", Service: name, Force: new(true)}))
	}
	c.eventually(30*time.Second, "the services are gone", func() error {
		if b, f := c.service("backend").Status, c.service("front").Status; b != "INACTIVE" || f != "INACTIVE" {
			return errors.New(b + " " + f)
		}
		return nil
	})
	if left := c.aws("servicediscovery", "list-services", "--query", "Services[].Name", "--output", "text"); left != "" && left != "None" {
		c.t.Errorf("Cloud Map still has %s", left)
	}
}

package ecs

import (
	"context"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// cloudMap keeps what ECS makes in Cloud Map as records.
type cloudMap struct{ db *store.DB }

func (m cloudMap) CreateNamespace(ctx context.Context, account, region, name string) error {
	return m.db.Write(ctx, func(tx *store.Tx) error {
		state.Namespaces.Put(tx, &state.Namespace{Account: account, Region: region, ID: "ns-" + name, Name: name, HTTPName: name, Type: state.NamespaceHTTP})
		return nil
	})
}

func (m cloudMap) CreateService(ctx context.Context, account, region, namespaceID, name string) error {
	return m.db.Write(ctx, func(tx *store.Tx) error {
		state.DiscoveryServices.Put(tx, &state.DiscoveryService{Account: account, Region: region, ID: "srv-" + name, NamespaceID: namespaceID, Name: name, Tags: []state.Tag{{Key: "AmazonECSManaged", Value: "true"}}})
		return nil
	})
}

func (m cloudMap) DeleteService(ctx context.Context, account, region, id string) error {
	return m.db.Write(ctx, func(tx *store.Tx) error {
		state.DiscoveryServices.Delete(tx, state.Key(account, region, id))
		return nil
	})
}

// newConnected has a cluster with the default namespace mesh and the task
// definition web, whose port web is HTTP and whose port raw is TCP.
func newConnected(t *testing.T) *fixture {
	f := newTest(t)
	f.CloudMap = cloudMap{f.DB}
	if _, err := f.UpdateCluster(f.ctx, &ecsapi.UpdateClusterRequest{Cluster: "default", ServiceConnectDefaults: &ecsapi.ClusterServiceConnectDefaultsRequest{Namespace: "mesh"}}); err != nil {
		t.Fatal(err)
	}
	_, err := f.RegisterTaskDefinition(f.ctx, &ecsapi.RegisterTaskDefinitionRequest{
		Family: "web", Cpu: "256", Memory: "512", NetworkMode: "awsvpc", RequiresCompatibilities: []ecsapi.Compatibility{"FARGATE"}, ExecutionRoleArn: "arn:aws:iam::000000000000:role/exec",
		ContainerDefinitions: []ecsapi.ContainerDefinition{{Name: "app", Image: "busybox", PortMappings: []ecsapi.PortMapping{
			{Name: "web", ContainerPort: ptr(int32(80)), AppProtocol: "http"}, {Name: "raw", ContainerPort: ptr(int32(81))}, {Name: "dns", ContainerPort: ptr(int32(53)), Protocol: "udp"}, {ContainerPort: ptr(int32(82))},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) connect(name string, services ...ecsapi.ServiceConnectService) (*ecsapi.Service, error) {
	out, err := f.CreateService(f.ctx, &ecsapi.CreateServiceRequest{
		ServiceName: name, TaskDefinition: "web", DesiredCount: ptr(int32(1)), LaunchType: "FARGATE", NetworkConfiguration: network(),
		ServiceConnectConfiguration: &ecsapi.ServiceConnectConfiguration{Enabled: true, Services: services},
	})
	if err != nil {
		return nil, err
	}
	return out.Service, nil
}

func alias(name string, port int32) []ecsapi.ServiceConnectClientAlias {
	return []ecsapi.ServiceConnectClientAlias{{DnsName: name, Port: port}}
}

func TestServiceConnectRefusals(t *testing.T) {
	f := newConnected(t)
	if _, err := f.connect("taken", ecsapi.ServiceConnectService{PortName: "web", ClientAliases: alias("db", 5432)}); err != nil {
		t.Fatal(err)
	}
	for want, s := range map[string]ecsapi.ServiceConnectService{
		"portName nope does not exist in the task definition.":                                  {PortName: "nope"},
		"Service Connect does not support the protocol udp of portName dns.":                    {PortName: "dns"},
		"2 clientAliases exceeds the max limit of 1":                                            {PortName: "raw", ClientAliases: append(alias("a", 1), alias("b", 2)...)},
		"clientAlias port must be between 1 and 65535.":                                         {PortName: "raw", ClientAliases: alias("a", 0)},
		"Invalid clientAlias dnsName: -a":                                                       {PortName: "raw", ClientAliases: alias("-a", 1)},
		"Invalid discoveryName: Web":                                                            {PortName: "raw", DiscoveryName: "Web"},
		"perRequestTimeout can only be set if the appProtocol of portName raw isn't TCP.":       {PortName: "raw", Timeout: &ecsapi.TimeoutConfiguration{PerRequestTimeoutSeconds: ptr(int32(1))}},
		"The ingressPortOverride 82 of portName raw is a port of container app.":                {PortName: "raw", IngressPortOverride: ptr(int32(82))},
		"The client alias db:5432 is already used in the namespace mesh.":                       {PortName: "raw", ClientAliases: alias("db", 5432)},
		"The discoveryName web is already used in the namespace mesh.":                          {PortName: "web", ClientAliases: alias("other", 1)},
		"Neargate does not carry out serviceConnectConfiguration.services.tls (AWS Private Cer": {PortName: "raw", Tls: &ecsapi.ServiceConnectTlsConfiguration{}},
	} {
		if _, err := f.connect("second", s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", s, err, want)
		}
	}
	_, err := f.CreateService(f.ctx, &ecsapi.CreateServiceRequest{
		ServiceName: "lost", TaskDefinition: "web", DesiredCount: ptr(int32(1)), LaunchType: "FARGATE", NetworkConfiguration: network(),
		ServiceConnectConfiguration: &ecsapi.ServiceConnectConfiguration{Enabled: true, Namespace: "nowhere"},
	})
	if _, missing := err.(*ecsapi.NamespaceNotFoundException); !missing {
		t.Errorf("a namespace that is not there: %v", err)
	}
}

// A deployment's tasks can connect to what was in the namespace when it began,
// and to nothing that came later.
func TestServiceConnectEndpointsAreThoseOfTheDeployment(t *testing.T) {
	f := newConnected(t)
	if _, err := f.connect("front"); err != nil {
		t.Fatal(err)
	}
	made, err := f.connect("back", ecsapi.ServiceConnectService{PortName: "web"}, ecsapi.ServiceConnectService{PortName: "raw", DiscoveryName: "queue", ClientAliases: alias("mq", 9000)})
	if err != nil {
		t.Fatal(err)
	}
	d := made.Deployments[0]
	if len(d.ServiceConnectResources) != 2 || d.ServiceConnectResources[1].DiscoveryName != "queue" || !strings.HasSuffix(d.ServiceConnectResources[1].DiscoveryArn, ":service/srv-queue") || !strings.HasSuffix(d.ServiceConnectConfiguration.Namespace, ":namespace/ns-mesh") {
		t.Errorf("the deployment has %+v %+v", d.ServiceConnectConfiguration, d.ServiceConnectResources)
	}
	reaches := func(service string) string {
		svc, _ := state.Services.Get(f.DB.Read(), state.Key("000000000000", "us-east-1", "default/"+service))
		var out []string
		for _, e := range svc.Deployments[0].Endpoints {
			out = append(out, e.DNSName)
		}
		return strings.Join(out, " ")
	}
	if front, back := reaches("front"), reaches("back"); front != "" || back != "mq web.mesh" {
		t.Errorf("front reaches %q, back %q", front, back)
	}
	if _, err := f.UpdateService(f.ctx, &ecsapi.UpdateServiceRequest{Service: "front", ForceNewDeployment: true}); err != nil {
		t.Fatal(err)
	}
	if front := reaches("front"); front != "mq web.mesh" {
		t.Errorf("after its deployment front reaches %q", front)
	}
	list, err := f.ListServicesByNamespace(f.ctx, &ecsapi.ListServicesByNamespaceRequest{Namespace: "mesh"})
	if err != nil || len(list.ServiceArns) != 2 {
		t.Errorf("in the namespace: %+v %v", list, err)
	}
	same, err := f.UpdateService(f.ctx, &ecsapi.UpdateServiceRequest{Service: "back", ServiceConnectConfiguration: &ecsapi.ServiceConnectConfiguration{Enabled: false}})
	if err != nil || len(same.Service.Deployments) != 2 || same.Service.Deployments[0].ServiceConnectConfiguration != nil {
		t.Errorf("turned off: %+v %v", same, err)
	}
}

func TestServiceConnectDefaults(t *testing.T) {
	f := newConnected(t)
	shown := func() string {
		out, err := f.DescribeClusters(f.ctx, &ecsapi.DescribeClustersRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if d := out.Clusters[0].ServiceConnectDefaults; d != nil {
			return d.Namespace
		}
		return ""
	}
	if got := shown(); got != "arn:aws:servicediscovery:us-east-1:000000000000:namespace/ns-mesh" {
		t.Errorf("the default namespace is %q", got)
	}
	if _, err := f.UpdateCluster(f.ctx, &ecsapi.UpdateClusterRequest{Cluster: "default", Settings: []ecsapi.ClusterSetting{{Name: "containerInsights", Value: "disabled"}}}); err != nil || shown() == "" {
		t.Errorf("an update of something else took it away: %v", err)
	}
	if _, err := f.UpdateCluster(f.ctx, &ecsapi.UpdateClusterRequest{Cluster: "default", ServiceConnectDefaults: &ecsapi.ClusterServiceConnectDefaultsRequest{}}); err != nil || shown() != "" {
		t.Errorf("an empty name leaves %q: %v", shown(), err)
	}
	if _, err := f.connect("front"); err == nil || !strings.Contains(err.Error(), "Namespace cannot be empty") {
		t.Errorf("without any namespace: %v", err)
	}
}

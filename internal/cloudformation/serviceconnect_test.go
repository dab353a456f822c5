package cloudformation_test

import (
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/ecsapi"
)

const connectedService = `
Parameters:
  Connected: {Type: String, Default: 'yes'}
Conditions:
  IsConnected: !Equals [!Ref Connected, 'yes']
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.1.0.0/16}}
  One: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.1.0.0/24}}
  Namespace: {Type: AWS::ServiceDiscovery::HttpNamespace, Properties: {Name: mesh}}
  Cluster: {Type: AWS::ECS::Cluster, Properties: {ServiceConnectDefaults: !If [IsConnected, {Namespace: !GetAtt Namespace.Arn}, !Ref AWS::NoValue]}}
  Definition:
    Type: AWS::ECS::TaskDefinition
    Properties:
      RequiresCompatibilities: [FARGATE]
      NetworkMode: awsvpc
      Cpu: 256
      Memory: 512
      ContainerDefinitions: [{Name: app, Image: nginx, PortMappings: [{Name: web, ContainerPort: 80, AppProtocol: http}]}]
  Service:
    Type: AWS::ECS::Service
    Properties:
      Cluster: !Ref Cluster
      DesiredCount: 0
      TaskDefinition: !Ref Definition
      LaunchType: FARGATE
      NetworkConfiguration: {AwsvpcConfiguration: {Subnets: [!Ref One]}}
      ServiceConnectConfiguration: !If [IsConnected, {Enabled: true, Services: [{PortName: web, Timeout: {IdleTimeoutSeconds: 30}, ClientAliases: [{Port: 8080, DnsName: backend}]}]}, !Ref AWS::NoValue]
`

// A service joins the default namespace of its cluster by Service Connect, and
// leaves it when the template no longer says so.
func TestServiceConnect(t *testing.T) {
	w := newWorld(t)
	w.expect(w.create("mesh", connectedService), "CREATE_COMPLETE")
	connected := func() (string, *ecsapi.ServiceConnectConfiguration) {
		t.Helper()
		cluster := physical(w, "mesh", "Cluster")
		svc := call[ecsapi.DescribeServicesResponse](w, ecsapi.Model, "DescribeServices", &ecsapi.DescribeServicesRequest{Cluster: cluster, Services: []string{physical(w, "mesh", "Service")}}).Services[0]
		made := call[ecsapi.DescribeClustersResponse](w, ecsapi.Model, "DescribeClusters", &ecsapi.DescribeClustersRequest{Clusters: []string{cluster}}).Clusters[0]
		if made.ServiceConnectDefaults == nil {
			return "", svc.Deployments[0].ServiceConnectConfiguration
		}
		return made.ServiceConnectDefaults.Namespace, svc.Deployments[0].ServiceConnectConfiguration
	}
	namespace, c := connected()
	if !strings.HasSuffix(namespace, ":namespace/"+physical(w, "mesh", "Namespace")) || c == nil || c.Namespace != namespace || c.Services[0].ClientAliases[0].DnsName != "backend" || *c.Services[0].Timeout.IdleTimeoutSeconds != 30 {
		t.Errorf("the cluster has %q, the service %+v", namespace, c)
	}
	w.expect(w.update("mesh", connectedService, "Connected", "no"), "UPDATE_COMPLETE")
	if namespace, c := connected(); namespace != "" || c != nil {
		t.Errorf("afterwards the cluster has %q, the service %+v", namespace, c)
	}
}

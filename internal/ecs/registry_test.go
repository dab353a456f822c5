package ecs

import (
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// registry makes a service of Cloud Map with records of the types.
func (f *fixture) registry(t *testing.T, id string, types ...string) string {
	t.Helper()
	v := &state.DiscoveryService{Account: "000000000000", Region: "us-east-1", ID: id, NamespaceID: "ns-1", Name: id}
	for _, kind := range types {
		v.Records = append(v.Records, state.DiscoveryRecord{Type: kind, TTL: 10})
	}
	if err := f.DB.Write(f.ctx, func(tx *store.Tx) error { state.DiscoveryServices.Put(tx, v); return nil }); err != nil {
		t.Fatal(err)
	}
	return v.ARN()
}

func TestServiceRegistriesOfServicesAreChecked(t *testing.T) {
	f := newTest(t)
	f.registerWeb(t)
	a, srv := f.registry(t, "srv-a", "A"), f.registry(t, "srv-srv", "SRV")
	create := func(registries ...ecsapi.ServiceRegistry) error {
		_, err := f.CreateService(f.ctx, &ecsapi.CreateServiceRequest{
			ServiceName: "s", TaskDefinition: "web", DesiredCount: ptr(int32(1)), LaunchType: "FARGATE", NetworkConfiguration: network(), ServiceRegistries: registries,
		})
		return err
	}
	port := ptr(int32(80))
	for _, c := range []struct {
		in   ecsapi.ServiceRegistry
		want string
	}{
		{ecsapi.ServiceRegistry{RegistryArn: a + "x"}, "The service registry does not exist. Registry: " + a + "x"},
		{ecsapi.ServiceRegistry{RegistryArn: a, ContainerName: "app", ContainerPort: port}, "The values specified for serviceRegistries do not require a value for 'containerPort'. Remove the value and retry. Registry: " + a},
		{ecsapi.ServiceRegistry{RegistryArn: a, Port: port}, "do not require a value for 'port'"},
		{ecsapi.ServiceRegistry{RegistryArn: a, ContainerName: "api"}, "The container api does not exist in the task definition."},
		{ecsapi.ServiceRegistry{RegistryArn: srv}, "require a value for either 'port' or the 'containerName' and 'containerPort' combination"},
		{ecsapi.ServiceRegistry{RegistryArn: srv, Port: port, ContainerName: "app", ContainerPort: port}, "Specify a value for either 'port' or the 'containerName' and 'containerPort' combination, but not both. Remove one and retry."},
		{ecsapi.ServiceRegistry{RegistryArn: srv, ContainerName: "app", ContainerPort: ptr(int32(8080))}, "The container app did not have a container port 8080 defined."},
	} {
		if err := create(c.in); err == nil || !strings.Contains(err.Error(), "InvalidParameterException: "+c.want) && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %s", c.in, err, c.want)
		}
	}
	if err := create(ecsapi.ServiceRegistry{RegistryArn: a}, ecsapi.ServiceRegistry{RegistryArn: srv, Port: port}); err == nil {
		t.Error("two registries")
	}
	if err := create(ecsapi.ServiceRegistry{RegistryArn: srv, ContainerName: "app", ContainerPort: port}); err != nil {
		t.Fatal(err)
	}
	svc := f.service(t)
	if r := svc.ServiceRegistries; len(r) != 1 || r[0].RegistryArn != srv || r[0].ContainerName != "app" || *r[0].ContainerPort != 80 || r[0].Port != nil {
		t.Errorf("%+v", r)
	}
	first := svc.Deployments[0].Id
	if _, err := f.UpdateService(f.ctx, &ecsapi.UpdateServiceRequest{Service: "s", ServiceRegistries: []ecsapi.ServiceRegistry{}}); err != nil {
		t.Fatal(err)
	}
	if svc = f.service(t); len(svc.ServiceRegistries) != 0 || svc.Deployments[0].Id == first {
		t.Errorf("no registry any more is another deployment: %+v", svc)
	}
}

package terraform

import "github.com/neargate/neargate/internal/cloudformation/template"

const cloudMap = "AWS::ServiceDiscovery::"

// discoveryService is aws_service_discovery_service.
func discoveryService(a *arguments) {
	a.all()
	p := a.part("", cloudMap+"Service", a.pick("name", "Name", "description", "Description", "namespace_id", "NamespaceId", "type", "Type"))
	for _, b := range a.blocks("dns_config") {
		config := b.pick("namespace_id", "NamespaceId", "routing_policy", "RoutingPolicy")
		records := &template.Value{Kind: template.List, Line: b.body.SrcRange.Start.Line}
		for _, r := range b.blocks("dns_records") {
			records.Items = append(records.Items, r.pick("type", "Type", "ttl", "TTL").v)
		}
		p.put("DnsConfig", config.put("DnsRecords", records).v)
	}
	for _, b := range a.blocks("health_check_config") {
		p.put("HealthCheckConfig", b.pick("type", "Type", "resource_path", "ResourcePath", "failure_threshold", "FailureThreshold").v)
	}
	for _, b := range a.blocks("health_check_custom_config") {
		p.put("HealthCheckCustomConfig", b.pick("failure_threshold", "FailureThreshold").v)
	}
}

// serviceRegistries are those of an aws_ecs_service; nil for none.
func serviceRegistries(a *arguments) *template.Value {
	out := &template.Value{Kind: template.List, Line: a.r.Line}
	for _, b := range a.blocks("service_registries") {
		b.only("service_registries")
		out.Items = append(out.Items, b.pick("registry_arn", "RegistryArn", "port", "Port", "container_name", "ContainerName", "container_port", "ContainerPort").v)
	}
	if len(out.Items) == 0 {
		return nil
	}
	return out
}

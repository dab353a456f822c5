package why

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/dns"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// hostName explains a name in a namespace of Cloud Map; false when it is in none.
// Namespaces of several VPCs may have the same name.
func (x *Explainer) hostName(tx *store.Tx, account, region, name string) (Report, bool) {
	n := names{tx, account, region}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	var spaces []*state.Namespace
	for s := range state.Namespaces.All(tx, state.Prefix(account, region)) {
		if !strings.HasSuffix(name, "."+strings.ToLower(s.Name)) {
			continue
		}
		if len(spaces) > 0 && len(s.Name) > len(spaces[0].Name) {
			spaces = nil // the longest counts
		}
		if len(spaces) == 0 || len(s.Name) == len(spaces[0].Name) {
			spaces = append(spaces, s)
		}
	}
	if len(spaces) == 0 {
		return Report{}, false
	}
	r := Report{Target: "name/" + name}
	healthy, all := 0, 0
	for _, s := range spaces {
		well, many, findings := n.discovered(s, name)
		healthy, all = healthy+well, all+many
		r.Findings = append(r.Findings, findings...)
	}
	r.Summary = fmt.Sprintf("%s: %d/%d instances healthy", name, healthy, all)
	r.Healthy = len(r.Findings) == 0
	return r, true
}

// discovered is how many instances of a namespace a name stands for, and what
// keeps them from being found.
func (n names) discovered(s *state.Namespace, name string) (healthy, all int, out []Finding) {
	if s.Type == state.NamespaceHTTP {
		return 0, 0, []Finding{n.nameFinding("net.name-http", s.ID, fmt.Sprintf("the namespace %s has no DNS: what is in it is found by DiscoverInstances only", s.Name))}
	}
	out = n.resolvers(s, name)
	service := n.discoveryService(s, name)
	if service == nil {
		return 0, 0, append(out, n.nameFinding("net.dns-name", s.ID, fmt.Sprintf("no service of the namespace %s has the name %s", s.Name, name)))
	}
	if len(service.Records) == 0 {
		return 0, 0, append(out, n.nameFinding("net.name-http", service.ID, fmt.Sprintf("the service %s has no DNS records: it is found by DiscoverInstances only", service.Name)))
	}
	var seen []Seen
	for i := range state.ServiceInstances.All(n.tx, state.ServiceInstanceKey(service.Key(), "")) {
		all++
		if i.Health != state.InstanceUnhealthy {
			healthy++
		}
		seen = append(seen, Seen{Time: i.RegisteredAt, Text: strings.Join(strings.Fields("instance "+i.ID+" "+i.Attributes["AWS_INSTANCE_IPV4"]+" "+i.Health), " ")})
	}
	switch {
	case all == 0:
		f := n.nameFinding("net.name-empty", service.ID, "nothing is registered with the service "+service.Name)
		f.Fixes = fixes(snippet{
			cfn: "ServiceRegistries: [{ RegistryArn: " + n.arnRef(service) + " }]", hcl: fmt.Sprintf("service_registries { registry_arn = %q }", service.ARN()),
			cli: "aws ecs update-service --service ... --service-registries registryArn=" + service.ARN(),
		}, "Properties of the AWS::ECS::Service whose tasks are to be found", "the aws_ecs_service whose tasks are to be found")
		out = append(out, f)
	case healthy == 0:
		f := n.nameFinding("net.name-unhealthy", service.ID, fmt.Sprintf("none of the %d instances of the service %s is healthy", all, service.Name))
		f.Seen = seen
		out = append(out, f)
	}
	return healthy, all, out
}

// discoveryService is the service of a namespace that a name is of: the one with
// the longest name that fits.
func (n names) discoveryService(s *state.Namespace, name string) (found *state.DiscoveryService) {
	full := dns.Normal(name)
	for v := range state.DiscoveryServices.By(n.tx, "namespace", s.Key()) {
		own := dns.Normal(v.Name + "." + s.Name)
		if (full == own || strings.HasSuffix(full, "."+own)) && (found == nil || len(v.Name) > len(found.Name)) {
			found = v
		}
	}
	return found
}

// resolvers are the VPCs that do not answer for a namespace though they should, or
// in which tasks are that cannot find what is in it.
func (n names) resolvers(s *state.Namespace, name string) (out []Finding) {
	zone, ok := state.HostedZones.Get(n.tx, state.HostedZoneKey(s.Account, s.HostedZoneID))
	if !ok || !zone.Private {
		return nil
	}
	for _, v := range zone.VPCs {
		if vpc, ok := state.Vpcs.Get(n.tx, state.Key(s.Account, v.Region, v.VpcID)); ok && !vpc.EnableDNSSupport {
			f := n.nameFinding("net.dns-off", v.VpcID, fmt.Sprintf("DNS support is off in %s, so %s does not resolve", n.name(v.VpcID), name))
			f.Fixes = n.dnsSupport(v.VpcID)
			out = append(out, f)
		}
	}
	var others []string
	for t := range state.Tasks.By(n.tx, "alive", "yes") {
		subnet, ok := state.Subnets.Get(n.tx, state.Key(t.Account, t.Region, t.Subnet))
		if !ok || t.Account != s.Account || t.Region != s.Region || slices.Contains(others, subnet.VpcID) || slices.Contains(zone.VPCs, state.ZoneVPC{Region: t.Region, VpcID: subnet.VpcID}) {
			continue
		}
		others = append(others, subnet.VpcID)
		f := n.nameFinding("net.name-vpc", s.ID, fmt.Sprintf("tasks of %s do not find %s: the namespace %s is one of %s", n.name(subnet.VpcID), name, s.Name, n.name(s.VpcID)))
		f.Fixes = fixes(snippet{cli: fmt.Sprintf("aws route53 associate-vpc-with-hosted-zone --hosted-zone-id %s --vpc VPCRegion=%s,VPCId=%s", zone.ID, t.Region, subnet.VpcID)}, "", "")
		out = append(out, f)
	}
	return out
}

// nameFinding is what the records say of a name; resource is what is to be changed.
func (n names) nameFinding(code, resource, cause string) Finding {
	return Finding{Code: code, Cause: cause, Where: n.name(resource), Resource: resource, Confidence: decision.Inferred, Seen: []Seen{{Time: time.Now(), Text: cause, Inferred: true}}}
}

// arnRef is how a template refers to the ARN of a service of Cloud Map.
func (n names) arnRef(v *state.DiscoveryService) string {
	if r := n.resource(v.ID); r != nil {
		return "!GetAtt " + r.LogicalID + ".Arn"
	}
	return v.ARN()
}

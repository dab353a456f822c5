package ec2

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/dns"
	"github.com/neargate/neargate/internal/state"
)

// endpointService is one of AWS's services that VPC endpoints lead to.
type endpointService struct {
	suffix string // of com.amazonaws.REGION.SUFFIX
	types  []string
	host   string // the service's part of host names
}

const (
	typeInterface = "Interface"
	typeGateway   = "Gateway"
)

// endpointServices are the services that exist, sorted. Names of services whose
// API Neargate does not carry out lead to an answer that says so.
func endpointServices() []endpointService {
	plain := []string{
		"acm-pca", "application-autoscaling", "athena", "autoscaling", "cloudformation", "cloudtrail", "codebuild", "codedeploy", "data-servicediscovery",
		"ec2", "ec2messages", "ecs", "elasticfilesystem", "elasticloadbalancing", "events", "glue", "kms", "lambda", "logs",
		"monitoring", "rds", "secretsmanager", "servicediscovery", "sns", "sqs", "ssm", "ssmmessages", "states", "sts", "xray",
	}
	all := []endpointService{
		{suffix: "dynamodb", types: []string{typeGateway}, host: "dynamodb"},
		{suffix: "ecr.api", types: []string{typeInterface}, host: "api.ecr"},
		{suffix: "ecr.dkr", types: []string{typeInterface}, host: "dkr.ecr"},
		{suffix: "ecs-agent", types: []string{typeInterface}, host: "ecs-a"},
		{suffix: "ecs-telemetry", types: []string{typeInterface}, host: "ecs-t"},
		{suffix: "execute-api", types: []string{typeInterface}, host: "execute-api"},
		{suffix: "kinesis-streams", types: []string{typeInterface}, host: "kinesis"},
		{suffix: "s3", types: []string{typeGateway, typeInterface}, host: "s3"},
	}
	for _, name := range plain {
		all = append(all, endpointService{suffix: name, types: []string{typeInterface}, host: name})
	}
	slices.SortFunc(all, func(a, b endpointService) int { return strings.Compare(a.suffix, b.suffix) })
	return all
}

func serviceName(region, suffix string) string { return "com.amazonaws." + region + "." + suffix }

// serviceSuffix is the service's part of com.amazonaws.REGION.SERVICE.
func serviceSuffix(name string) string {
	parts := strings.SplitN(name, ".", 4)
	return parts[len(parts)-1]
}

// findEndpointService returns the service with the given full name.
func findEndpointService(region, name string) (endpointService, bool) {
	suffix, ok := strings.CutPrefix(name, "com.amazonaws."+region+".")
	if !ok {
		return endpointService{}, false
	}
	all := endpointServices()
	i := slices.IndexFunc(all, func(e endpointService) bool { return e.suffix == suffix })
	if i < 0 {
		return endpointService{}, false
	}
	return all[i], true
}

// privateNames are the public names of the service, which private DNS answers
// with the endpoint's addresses.
func (e endpointService) privateNames(region string) []string {
	return dns.PrivateNames(e.suffix, region)
}

// endpointDomain is the domain below which endpoints of the service have names.
func (e endpointService) endpointDomain(region string) string {
	return e.host + "." + region + ".vpce.amazonaws.com"
}

// serviceOffer is a service in a region, as one line of DescribeVpcEndpointServices.
type serviceOffer struct {
	endpointService
	kind string
}

var serviceResource = resource[serviceOffer]{
	id: func(o *serviceOffer) string { return o.suffix + "/" + o.kind },
	fields: fields[serviceOffer]{
		"service-name":               func(q *scope, o *serviceOffer) []string { return one(serviceName(q.region, o.suffix)) },
		"service-type":               func(_ *scope, o *serviceOffer) []string { return one(o.kind) },
		"service-region":             func(q *scope, _ *serviceOffer) []string { return one(q.region) },
		"owner":                      func(*scope, *serviceOffer) []string { return one("amazon") },
		"supported-ip-address-types": func(*scope, *serviceOffer) []string { return one("ipv4") },
	},
	tags: func(*serviceOffer) []state.Tag { return nil },
}

// DescribeVpcEndpointServices lists the services that endpoints lead to.
func (s *Service) DescribeVpcEndpointServices(ctx context.Context, in *ec2api.DescribeVpcEndpointServicesRequest) (*ec2api.DescribeVpcEndpointServicesResult, error) {
	var out ec2api.DescribeVpcEndpointServicesResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		for _, r := range in.ServiceRegions {
			if r != q.region {
				return errUnsupported("The service region " + r)
			}
		}
		for _, name := range in.ServiceNames {
			if _, ok := findEndpointService(q.region, name); !ok {
				return errServiceName(name)
			}
		}
		var all []*serviceOffer
		for _, e := range endpointServices() {
			for _, kind := range e.types {
				if len(in.ServiceNames) == 0 || slices.Contains(in.ServiceNames, serviceName(q.region, e.suffix)) {
					all = append(all, &serviceOffer{e, kind})
				}
			}
		}
		slices.SortFunc(all, func(a, b *serviceOffer) int { return strings.Compare(serviceResource.id(a), serviceResource.id(b)) })
		found, next, err := page(q, slices.Values(all), serviceResource, query{filters: in.Filters, max: in.MaxResults, token: in.NextToken})
		if err != nil {
			return err
		}
		out.NextToken = next
		out.ServiceDetails = each(found, func(o *serviceOffer) ec2api.ServiceDetail { return serviceDetail(q.region, o) })
		out.ServiceNames = unique(each(found, func(o *serviceOffer) string { return serviceName(q.region, o.suffix) }))
		return nil
	})
	return &out, err
}

func errServiceName(name string) error {
	return errorf("InvalidServiceName", "The Vpc Endpoint Service '%s' does not exist", name)
}

func serviceDetail(region string, o *serviceOffer) ec2api.ServiceDetail {
	yes, no := true, false
	d := ec2api.ServiceDetail{
		ServiceName: serviceName(region, o.suffix), ServiceId: "vpce-svc-" + stableHex(17, region, o.suffix, o.kind),
		ServiceType: []ec2api.ServiceTypeDetail{{ServiceType: ec2api.ServiceType(o.kind)}}, ServiceRegion: region,
		Owner: "amazon", VpcEndpointPolicySupported: &yes, AcceptanceRequired: &no, ManagesVpcEndpoints: &no, Tags: []ec2api.Tag{},
		SupportedIpAddressTypes: []ec2api.ServiceConnectivityType{"ipv4"},
	}
	for _, z := range zones(region) {
		d.AvailabilityZones = append(d.AvailabilityZones, z.Name)
		d.AvailabilityZoneIds = append(d.AvailabilityZoneIds, z.ID)
	}
	if o.kind == typeGateway {
		d.BaseEndpointDnsNames = []string{o.host + "." + region + ".amazonaws.com"}
		return d
	}
	d.BaseEndpointDnsNames = []string{o.endpointDomain(region)}
	names := o.privateNames(region)
	d.PrivateDnsName, d.PrivateDnsNameVerificationState = names[0], "verified"
	d.PrivateDnsNames = each(names, func(n string) ec2api.PrivateDnsDetails { return ec2api.PrivateDnsDetails{PrivateDnsName: n} })
	return d
}

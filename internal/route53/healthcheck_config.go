package route53

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// What health checks are made with that say nothing else.
const (
	defaultInterval  = 30 // seconds
	defaultThreshold = 3
)

// refusedCheck names what is not carried out.
func refusedCheck(in *route53api.HealthCheckConfig) error {
	switch {
	case in.Type == route53api.HealthCheckTypeCloudwatchMetric, in.AlarmIdentifier != nil, in.InsufficientDataHealthStatus != "":
		return refused("health checks of CloudWatch alarms (CLOUDWATCH_METRIC)")
	case in.Type == route53api.HealthCheckTypeRecoveryControl, in.RoutingControlArn != "":
		return refused("health checks of routing controls (RECOVERY_CONTROL)")
	case in.MeasureLatency != nil && *in.MeasureLatency:
		return refused("HealthCheckConfig.MeasureLatency")
	}
	return nil
}

// readCheck makes what is kept of a configuration, with Route 53's defaults.
func readCheck(in *route53api.HealthCheckConfig) state.DNSHealthCheckConfig {
	c := state.DNSHealthCheckConfig{
		Type: string(in.Type), IPAddress: in.IPAddress, Port: in.Port, ResourcePath: in.ResourcePath, FQDN: in.FullyQualifiedDomainName, SearchString: in.SearchString,
		RequestInterval: in.RequestInterval, FailureThreshold: in.FailureThreshold, MeasureLatency: in.MeasureLatency, Inverted: in.Inverted, Disabled: in.Disabled,
		HealthThreshold: in.HealthThreshold, ChildHealthChecks: in.ChildHealthChecks, EnableSNI: in.EnableSNI, Regions: regionNames(in.Regions),
	}
	no := func(b **bool) {
		if *b == nil {
			*b = new(false)
		}
	}
	no(&c.Inverted)
	no(&c.Disabled)
	if c.Type == "CALCULATED" {
		return c
	}
	no(&c.MeasureLatency)
	if c.RequestInterval == nil {
		c.RequestInterval = new(int32(defaultInterval))
	}
	if c.FailureThreshold == nil {
		c.FailureThreshold = new(int32(defaultThreshold))
	}
	if c.EnableSNI == nil && strings.HasPrefix(c.Type, "HTTPS") {
		c.EnableSNI = new(true)
	}
	if c.EnableSNI == nil {
		c.EnableSNI = new(false)
	}
	return c
}

func regionNames(in []route53api.HealthCheckRegion) []string {
	var out []string
	for _, r := range in {
		out = append(out, string(r))
	}
	return out
}

// updateCheck changes a configuration.
func updateCheck(c *state.DNSHealthCheckConfig, in *route53api.UpdateHealthCheckRequest) {
	for to, from := range map[*string]string{&c.IPAddress: in.IPAddress, &c.ResourcePath: in.ResourcePath, &c.FQDN: in.FullyQualifiedDomainName, &c.SearchString: in.SearchString} {
		if from != "" {
			*to = from
		}
	}
	for to, from := range map[**int32]*int32{&c.Port: in.Port, &c.FailureThreshold: in.FailureThreshold, &c.HealthThreshold: in.HealthThreshold} {
		if from != nil {
			*to = from
		}
	}
	for to, from := range map[**bool]*bool{&c.Inverted: in.Inverted, &c.Disabled: in.Disabled, &c.EnableSNI: in.EnableSNI} {
		if from != nil {
			*to = from
		}
	}
	if in.ChildHealthChecks != nil {
		c.ChildHealthChecks = in.ChildHealthChecks
	}
	if in.Regions != nil {
		c.Regions = regionNames(in.Regions)
	}
	for _, e := range in.ResetElements {
		switch e {
		case route53api.ResettableElementNameFullyQualifiedDomainName:
			c.FQDN = ""
		case route53api.ResettableElementNameRegions:
			c.Regions = nil
		case route53api.ResettableElementNameResourcePath:
			c.ResourcePath = ""
		case route53api.ResettableElementNameChildHealthChecks:
			c.ChildHealthChecks = nil
		}
	}
}

// viewCheck is a health check as the API has it.
func viewCheck(h *state.DNSHealthCheck) *route53api.HealthCheck {
	c := h.Config
	out := &route53api.HealthCheck{Id: h.ID, CallerReference: h.CallerReference, HealthCheckVersion: h.Version, HealthCheckConfig: &route53api.HealthCheckConfig{
		Type: route53api.HealthCheckType(c.Type), IPAddress: c.IPAddress, Port: c.Port, ResourcePath: c.ResourcePath, FullyQualifiedDomainName: c.FQDN, SearchString: c.SearchString,
		RequestInterval: c.RequestInterval, FailureThreshold: c.FailureThreshold, MeasureLatency: c.MeasureLatency, Inverted: c.Inverted, Disabled: c.Disabled,
		HealthThreshold: c.HealthThreshold, ChildHealthChecks: c.ChildHealthChecks, EnableSNI: c.EnableSNI,
	}}
	for _, r := range c.Regions {
		out.HealthCheckConfig.Regions = append(out.HealthCheckConfig.Regions, route53api.HealthCheckRegion(r))
	}
	if h.LinkedService != "" {
		out.LinkedService = &route53api.LinkedService{ServicePrincipal: h.LinkedService}
	}
	return out
}

// checkFault says what is wrong with a health check.
func checkFault(ctx context.Context, tx *store.Tx, h *state.DNSHealthCheck) error {
	c := h.Config
	if c.Type == "CALCULATED" {
		return calculatedFault(ctx, tx, h)
	}
	http, text := strings.HasPrefix(c.Type, "HTTP"), strings.HasSuffix(c.Type, "_STR_MATCH")
	switch {
	case c.HealthThreshold != nil || c.ChildHealthChecks != nil:
		return invalid("Invalid parameter : HealthThreshold and ChildHealthChecks are for health checks of the type CALCULATED only.")
	case c.IPAddress == "" && c.FQDN == "":
		return invalid("Invalid parameter : You must specify either an IP address or a fully qualified domain name.")
	case c.IPAddress != "" && !public(c.IPAddress):
		return invalid("Invalid parameter : IPAddress: " + c.IPAddress + " is in a local, private, non-routable or multicast range.")
	case c.FQDN != "" && !validName(normal(c.FQDN)):
		return invalid("Invalid parameter : FullyQualifiedDomainName: " + c.FQDN + " is not a domain name.")
	case !http && c.Port == nil:
		return invalid("Invalid parameter : Port is required for health checks of the type TCP.")
	case !http && c.ResourcePath != "":
		return invalid("Invalid parameter : ResourcePath is for health checks of HTTP and HTTPS only.")
	case text && c.SearchString == "":
		return invalid("Invalid parameter : SearchString is required for health checks of the type " + c.Type + ".")
	case !text && c.SearchString != "":
		return invalid("Invalid parameter : SearchString is for health checks of the types HTTP_STR_MATCH and HTTPS_STR_MATCH only.")
	case *c.EnableSNI && !strings.HasPrefix(c.Type, "HTTPS"):
		return invalid("Invalid parameter : EnableSNI is for health checks of HTTPS only.")
	case *c.RequestInterval != 10 && *c.RequestInterval != 30:
		return invalid("Invalid parameter : RequestInterval must be 10 or 30.")
	case c.Regions != nil && len(c.Regions) < 3:
		return invalid("Invalid parameter : You must specify at least three regions.")
	}
	return nil
}

// calculatedFault says what is wrong with a health check that counts others.
func calculatedFault(ctx context.Context, tx *store.Tx, h *state.DNSHealthCheck) error {
	c := h.Config
	if c.IPAddress+c.FQDN+c.ResourcePath+c.SearchString != "" || c.Port != nil || c.RequestInterval != nil || c.FailureThreshold != nil || c.EnableSNI != nil || c.Regions != nil {
		return invalid("Invalid parameter : A health check of the type CALCULATED has no endpoint.")
	}
	if len(c.ChildHealthChecks) == 0 && c.HealthThreshold == nil {
		return invalid("Invalid parameter : HealthThreshold and ChildHealthChecks are required for health checks of the type CALCULATED.")
	}
	for _, id := range c.ChildHealthChecks {
		child, err := healthCheck(ctx, tx, id)
		switch {
		case err != nil:
			return invalid("Invalid parameter : The child health check " + id + " does not exist.")
		case child.Config.Type == "CALCULATED":
			return invalid("Invalid parameter : The child health check " + id + " is of the type CALCULATED itself.")
		}
	}
	return nil
}

// notPublic are ranges that health checkers do not ask.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
}

// public reports whether an address is one of the internet.
func public(address string) bool {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	a = a.Unmap()
	return a.IsGlobalUnicast() && !a.IsPrivate() && !slices.ContainsFunc(notPublic, func(p netip.Prefix) bool { return p.Contains(a) })
}

package check

import (
	"regexp"

	"github.com/neargate/neargate/internal/cloudformation/template"
)

var (
	certificateARN = regexp.MustCompile(`^arn:aws[a-z-]*:(acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9a-f-]{36}|iam::[0-9]{12}:server-certificate/.+)$`)
	nameless       = regexp.MustCompile(`[^A-Za-z0-9]+`)
)

// loadBalancers checks what load balancers and listeners have by themselves.
func (c *checker) loadBalancers() {
	for _, p := range c.plan {
		switch p.Type {
		case elb + "LoadBalancer":
			c.zones(p)
		case elb + "Listener":
			c.certificates(p)
		}
	}
}

// certificates checks those of a listener: HTTPS needs one.
func (c *checker) certificates(p *planned) {
	given := p.get("Certificates")
	for _, cert := range items(given) {
		c.certificate(p, field(cert, "CertificateArn"))
	}
	protocol := p.get("Protocol").Str()
	if (protocol == "HTTPS" || protocol == "TLS") && len(items(given)) == 0 && (given == nil || !given.HasUnknown()) {
		c.findAt(p, Finding{Severity: Error, Code: "lb.no-certificate", Message: p.label() + " speaks " + protocol + ", and has no certificate",
			AWSSays: "ValidationError: A certificate must be specified for " + protocol + " listeners"}, "Protocol")
	}
}

// zones checks that an application load balancer has subnets in two zones, one in each.
func (c *checker) zones(p *planned) {
	subnets := p.get("Subnets")
	if kind := p.get("Type"); subnets == nil || subnets.HasUnknown() || kind != nil && kind.Str() != "application" {
		return
	}
	f := Finding{Severity: Error, Code: "lb.zones"}
	byZone := map[string]string{}
	for _, id := range texts(subnets) {
		s := c.byID[id]
		if s == nil {
			continue
		}
		zone := s.get("AvailabilityZone").Str()
		if other := byZone[zone]; other != "" && zone != "" && !isUnknown(zone) {
			f.Message = p.label() + " is in the subnets " + other + " and " + s.label() + ", which are both in " + zone
			f.AWSSays = "InvalidConfigurationRequest: A load balancer cannot be attached to multiple subnets in the same Availability Zone"
		}
		byZone[zone] = s.label()
	}
	if len(texts(subnets)) == 1 {
		f.Message = p.label() + " has a subnet in one Availability Zone only"
		f.AWSSays = "ValidationError: At least two subnets in two different Availability Zones must be specified"
	}
	if f.Message != "" {
		c.findAt(p, f, "Subnets")
	}
}

func (c *checker) certificate(p *planned, v *template.Value) {
	if !v.IsScalar() || isUnknown(v.Text) || certificateARN.MatchString(v.Text) || c.byID[v.Text] != nil {
		return
	}
	c.find(Finding{Position: c.valueAt(p, v), Severity: Error, Code: "lb.certificate", Resource: p.label(),
		Message: "\"" + v.Text + "\" is no ARN of a certificate: arn:aws:acm:REGION:ACCOUNT:certificate/ID",
		AWSSays: "ValidationError: Certificate ARN '" + v.Text + "' is not valid"})
}

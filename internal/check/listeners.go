package check

import (
	"regexp"

	"github.com/neargate/neargate/internal/cloudformation/template"
)

var (
	certificateARN = regexp.MustCompile(`^arn:aws[a-z-]*:(acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9a-f-]{36}|iam::[0-9]{12}:server-certificate/.+)$`)
	nameless       = regexp.MustCompile(`[^A-Za-z0-9]+`)
)

// loadBalancers checks what listeners have by themselves.
func (c *checker) loadBalancers() {
	for _, p := range c.plan {
		if p.Type != elb+"Listener" {
			continue
		}
		for _, cert := range items(p.get("Certificates")) {
			c.certificate(p, field(cert, "CertificateArn"))
		}
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

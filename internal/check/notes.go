package check

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/check/spelling"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// endpoints tells of VPC endpoints that no task uses. Nothing is said when the
// way of no task is known.
func (c *checker) endpoints() {
	if !c.followed {
		return
	}
	for _, p := range c.plan {
		service := c.instance.EndpointOf(p.ID)
		if p.Type != "AWS::EC2::VPCEndpoint" || p.ID == "" || c.used[p.ID] || c.needed[service] {
			continue
		}
		f := Finding{Severity: Note, Code: "net.endpoint-unused", Message: fmt.Sprintf("no task of this source needs the endpoint %s for %s", p.label(), service)}
		switch service {
		case "ssmmessages":
			f.Code = "exec.off"
			f.Message += ": it carries the sessions of ECS Exec, which is impossible here, as no service has EnableExecuteCommand"
		case "ssm":
			f.Message += ": parameters are read through it, ECS Exec does not use it"
		}
		c.findAt(p, f, "ServiceName")
	}
}

// meant are services by names that people take for them.
var meant = map[string][]string{
	"systemsmanager": {"ssm", "ssmmessages"}, "ecr": {"ecr.api", "ecr.dkr"}, "cloudwatch": {"monitoring"}, "cloudwatchlogs": {"logs"}, "cloudwatch-logs": {"logs"},
	"secrets-manager": {"secretsmanager"}, "secretmanager": {"secretsmanager"}, "api.ecr": {"ecr.api"}, "dkr.ecr": {"ecr.dkr"},
}

// endpointService explains an endpoint of a service that does not exist.
func (c *checker) endpointService(p *planned) (string, Fix) {
	name := p.get("ServiceName").Str()
	message := fmt.Sprintf("there is no endpoint service %s", name)
	service, ok := strings.CutPrefix(name, "com.amazonaws."+c.options.Region+".")
	if !ok {
		return message + fmt.Sprintf(" in %s: names begin with com.amazonaws.%s.", c.options.Region, c.options.Region), Fix{}
	}
	names := meant[service]
	if names == nil {
		out, err := ec2api.NewClient(c.instance).DescribeVpcEndpointServices(c.instance.Operator(c.ctx), &ec2api.DescribeVpcEndpointServicesRequest{})
		if err == nil {
			var all []string
			for _, n := range out.ServiceNames {
				all = append(all, strings.TrimPrefix(n, "com.amazonaws."+c.options.Region+"."))
			}
			if near := spelling.Closest(service, all); near != "" {
				names = []string{near}
			}
		}
	}
	if names == nil {
		return message, Fix{}
	}
	fix := Fix{Lang: cloudFormation, Target: p.label(), Text: "ServiceName: !Sub com.amazonaws.${AWS::Region}." + names[0]}
	if p.Stack.Lang == terraformLang {
		fix = Fix{Lang: terraformLang, Target: p.Name, Text: "service_name = \"com.amazonaws." + c.options.Region + "." + names[0] + "\""}
	}
	return message + "; meant is " + strings.Join(names, " (and perhaps ") + strings.Repeat(")", len(names)-1), fix
}

// visit calls f for every entry below a value.
func visit(v *template.Value, f func(e template.Entry)) {
	if v == nil {
		return
	}
	for _, item := range v.Items {
		visit(item, f)
	}
	for _, e := range v.Entries {
		f(e)
		visit(e.Value, f)
	}
}

// swapped finds private things that are given public ones, and the other way round.
func (c *checker) swapped() {
	for _, p := range c.plan {
		if p.Raw == nil {
			continue
		}
		visit(p.Raw, func(e template.Entry) {
			if !strings.Contains(strings.ToLower(e.Key), "subnet") {
				return
			}
			for _, ref := range template.References(e.Value, nil) {
				if want, got := side(e.Key), side(ref.Name+"."+ref.Attribute); want != "" && got != "" && want != got {
					at := Position{p.Position.File, e.Line, c.files.column(p.Position.File, e.Line, e.Key)}
					c.find(Finding{Position: at, Severity: Warning, Code: "net.swapped-subnets", Resource: p.label(),
						Message: fmt.Sprintf("%s of %s is given %s: %s subnets where %s ones are due", e.Key, p.label(), strings.TrimSuffix(ref.Name+"."+ref.Attribute, "."), got, want)})
				}
			}
		})
	}
}

// side is whether a name speaks of something public or private; "" for neither and for both.
func side(name string) string {
	name = strings.ToLower(name)
	public, private := strings.Contains(name, "public"), strings.Contains(name, "private")
	switch {
	case public && !private:
		return "public"
	case private && !public:
		return "private"
	}
	return ""
}

var regionName = regexp.MustCompile(`\b(us|eu|ap|ca|sa|me|af|il|mx)-(gov-)?(north|south|east|west|central|northeast|southeast|northwest|southwest)-[0-9]`)

// literals tells of regions that are written out where the stack's own is meant.
func (c *checker) literals() {
	for _, p := range c.plan {
		if p.Stack.Lang != cloudFormation || p.Raw == nil {
			continue
		}
		var look func(v *template.Value)
		look = func(v *template.Value) {
			for _, item := range v.Items {
				look(item)
			}
			for _, e := range v.Entries {
				if e.Key != "Description" && e.Key != "GroupDescription" {
					look(e.Value)
				}
			}
			if region := regionName.FindString(v.Str()); region != "" && v.Line > 0 {
				f := Finding{Position: c.valueAt(p, v), Severity: Note, Code: "tpl.region", Resource: p.label(), Message: "the region " + region + " is written out: the template works in no other one",
					Fix: Fix{Lang: cloudFormation, Text: "!Sub " + strings.ReplaceAll(v.Text, region, "${AWS::Region}")}}
				if region != c.options.Region && !c.guessed {
					f.Severity, f.Message = Warning, fmt.Sprintf("the region %s is written out, and this is %s", region, c.options.Region)
				}
				c.find(f)
			}
		}
		look(p.Raw)
	}
}

// buckets tells of bucket policies that let everybody in.
func (c *checker) buckets() {
	for _, p := range c.plan {
		if p.Type != "AWS::S3::BucketPolicy" {
			continue
		}
		for _, s := range items(p.get("PolicyDocument", "Statement")) {
			who := field(s, "Principal")
			open := who.Str() == "*" || slices.Contains(texts(field(who, "AWS")), "*")
			if open && field(s, "Effect").Str() == "Allow" && field(s, "Condition") == nil {
				c.find(Finding{Position: c.valueAt(p, s), Severity: Note, Code: "s3.public", Resource: p.label(), Message: "this statement lets everybody in, without a condition"})
			}
			for _, name := range texts(field(who, "AWS")) {
				if strings.HasPrefix(name, "arn:aws:iam::cloudfront:user/") {
					c.find(Finding{Position: c.valueAt(p, field(who, "AWS")), Severity: Note, Code: "s3.oai", Resource: p.label(), Message: "an origin access identity is safer named by CanonicalUser, which does not change when it is made again",
						Fix: Fix{Lang: p.Stack.Lang, Text: "CanonicalUser: !GetAtt IDENTITY.S3CanonicalUserId"}})
				}
			}
		}
	}
}

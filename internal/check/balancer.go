package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/check/spelling"
	"github.com/neargate/neargate/internal/cloudformation/resource"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

const elb = "AWS::ElasticLoadBalancingV2::"

// stand stands for a resource that is not made here and that others refer to: load
// balancers and their parts, so that rules can follow them.
func (c *checker) stand(p *planned) (resource.Result, bool) {
	kind, ok := map[string]string{elb + "LoadBalancer": "loadbalancer/app", elb + "TargetGroup": "targetgroup", elb + "Listener": "listener/app", elb + "ListenerRule": "listener-rule/app"}[p.Type]
	if !ok {
		return resource.Result{}, false
	}
	p.ID = fmt.Sprintf("arn:aws:elasticloadbalancing:%s:%s:%s/%s/%016x", c.options.Region, c.options.Account, kind, strings.Trim(nameless.ReplaceAllString(p.Name, "-"), "-"), len(c.plan))
	c.byID[p.ID] = p
	return resource.Result{PhysicalID: p.ID, Attributes: map[string]*template.Value{
		"LoadBalancerArn": template.Text(p.ID), "TargetGroupArn": template.Text(p.ID), "ListenerArn": template.Text(p.ID), "Arn": template.Text(p.ID),
	}}, true
}

// balancers checks what a service says of its load balancers.
func (w *walk) balancers() {
	if w.service == nil {
		return
	}
	for _, lb := range items(w.service.get("LoadBalancers")) {
		name, port := field(lb, "ContainerName").Str(), field(lb, "ContainerPort").Str()
		if name == "" || isUnknown(name) || !w.mapped(lb, name, port) {
			continue
		}
		group := w.byID[field(lb, "TargetGroupArn").Str()]
		if group == nil || group.Type != elb+"TargetGroup" {
			continue
		}
		w.targetGroup(lb, group, port)
		w.listener(group)
		w.fromBalancer(group, port)
		if health := group.get("HealthCheckPort").Str(); health != port && w.anyMaps(health) {
			w.fromBalancer(group, health)
		}
	}
}

// mapped checks that a container maps the port that targets are registered with.
func (w *walk) mapped(lb *template.Value, name, port string) bool {
	con, ok := w.def.Container(name)
	f := Finding{Severity: Error, Code: "run.wrong-port", Resource: w.service.label(), Position: w.valueAt(w.service, field(lb, "ContainerPort"))}
	if !ok {
		f.Code, f.Position = "ecs.lb-container", w.valueAt(w.service, field(lb, "ContainerName"))
		f.Message = fmt.Sprintf("the task definition %s has no container %s", w.task.label(), name)
		f.AWSSays = "InvalidParameterException: The container " + name + " does not exist in the task definition."
		if near := spelling.Closest(name, containerNames(w.def)); near != "" {
			f.Fix = Fix{Lang: w.service.Stack.Lang, Text: near}
		}
		w.find(f)
		return false
	}
	n, err := strconv.Atoi(port)
	if err != nil || slices.ContainsFunc(con.PortMappings, func(m state.PortMapping) bool { return m.ContainerPort != nil && int(*m.ContainerPort) == n }) {
		return err == nil
	}
	f.Message = fmt.Sprintf("container %s does not map the port %s that the load balancer is to send to; it maps %s", name, port, ports(con))
	f.AWSSays = fmt.Sprintf("InvalidParameterException: The container %s did not have a container port %s defined.", name, port)
	w.find(f)
	return false
}

func containerNames(d *state.TaskDefinition) []string {
	var out []string
	for _, c := range d.Containers {
		out = append(out, c.Name)
	}
	return out
}

func ports(c state.ContainerDefinition) string {
	var out []string
	for _, m := range c.PortMappings {
		if m.ContainerPort != nil {
			out = append(out, strconv.Itoa(int(*m.ContainerPort)))
		}
	}
	if out == nil {
		return "none"
	}
	return strings.Join(out, ", ")
}

// targetGroup checks a target group against the tasks that are its targets.
func (w *walk) targetGroup(lb *template.Value, group *planned, port string) {
	if kind := group.get("TargetType"); w.def.NetworkMode == "awsvpc" && (kind == nil || kind.Str() == "instance") {
		fix := Fix{Lang: group.Stack.Lang, Target: group.label(), Text: "TargetType: ip"}
		if group.Stack.Lang == terraformLang {
			fix.Text = `target_type = "ip"`
		}
		w.findAt(group, Finding{Severity: Error, Code: "lb.target-type", Fix: fix,
			Message: fmt.Sprintf("%s has targets of type instance, and tasks of %s have addresses of their own", group.label(), w.service.label()),
			AWSSays: "InvalidParameterException: The provided target group has target type instance, which is incompatible with the awsvpc network mode specified in the task definition."}, "TargetType")
	}
	if health := group.get("HealthCheckPort").Str(); health != "" && health != "traffic-port" && health != port && !isUnknown(health) {
		if !w.anyMaps(health) {
			w.findAt(group, Finding{Severity: Error, Code: "lb.health-port",
				Message: fmt.Sprintf("%s checks the health of port %s, which no container of %s maps: targets stay unhealthy", group.label(), health, w.task.label())}, "HealthCheckPort")
		}
	}
	if p := group.get("Port").Str(); p != "" && p != port && !isUnknown(p) {
		w.findAt(group, Finding{Severity: Note, Code: "lb.port", Message: fmt.Sprintf("%s says port %s, but %s registers its tasks with port %s, which is what counts", group.label(), p, w.service.label(), port)}, "Port")
	}
}

func (w *walk) anyMaps(port string) bool {
	return slices.ContainsFunc(w.def.Containers, func(c state.ContainerDefinition) bool {
		return slices.Contains(strings.Split(ports(c), ", "), port)
	})
}

// listener checks that something sends to a target group, and that the service
// waits for it: AWS refuses a service whose target group has no load balancer.
func (w *walk) listener(group *planned) {
	const says = "InvalidParameterException: The target group does not have an associated load balancer."
	var senders []*planned
	for _, p := range w.plan {
		if (p.Type == elb+"Listener" || p.Type == elb+"ListenerRule") && mentions(p.Given, group.ID) {
			senders = append(senders, p)
		}
	}
	switch {
	case len(senders) == 0:
		w.findAt(group, Finding{Severity: Error, Code: "lb.no-listener", AWSSays: says, Message: fmt.Sprintf("no listener sends to %s", group.label())})
	case !slices.ContainsFunc(senders, w.service.after):
		if w.told[w.service.label()+group.label()] {
			return
		}
		w.told[w.service.label()+group.label()] = true
		w.findAt(w.service, Finding{Severity: Warning, Code: "lb.no-listener", AWSSays: says, Fix: dependsFix(w.service, senders[0]),
			Message: fmt.Sprintf("%s does not wait for the listener %s: when it is made first, %s has no load balancer yet", w.service.label(), senders[0].label(), group.label())})
	}
}

// mentions reports whether a value has a text anywhere.
func mentions(v *template.Value, text string) bool {
	if v == nil {
		return false
	}
	return v.IsScalar() && v.Text == text || slices.ContainsFunc(v.Items, func(i *template.Value) bool { return mentions(i, text) }) ||
		slices.ContainsFunc(v.Entries, func(e template.Entry) bool { return mentions(e.Value, text) })
}

// fromBalancer follows a connection from the load balancer to the tasks.
func (w *walk) fromBalancer(group *planned, port string) {
	n, err := strconv.Atoi(port)
	if err != nil || len(w.enis) == 0 {
		return
	}
	for _, lb := range w.plan {
		flows := lb.get("Type").Str() == "network"
		if lb.Type != elb+"LoadBalancer" || !w.sendsTo(lb, group) || lb.get("SecurityGroups").HasUnknown() || len(texts(lb.get("SecurityGroups"))) == 0 && !flows {
			continue
		}
		subnets := texts(lb.get("Subnets"))
		for _, m := range items(lb.get("SubnetMappings")) {
			subnets = append(subnets, field(m, "SubnetId").Str())
		}
		for _, subnet := range subnets {
			if w.byID[subnet] == nil {
				continue
			}
			from, err := w.instance.Node(w.ctx, "balancer/"+lb.label()+"/"+subnet, subnet, texts(lb.get("SecurityGroups")), flows)
			if err != nil {
				continue
			}
			hops := w.instance.Connect(from, w.enis[0].id, n)
			if len(hops) > 0 && !hops[len(hops)-1].Pass {
				w.blocked(lb, hops[len(hops)-1], port)
			}
			break // the groups are the same in every subnet
		}
	}
}

// sendsTo reports whether a listener of a load balancer leads to a target group.
func (w *walk) sendsTo(lb, group *planned) bool {
	return slices.ContainsFunc(w.plan, func(p *planned) bool {
		return p.Type == elb+"Listener" && mentions(p.Given, lb.ID) && (mentions(p.Given, group.ID) ||
			slices.ContainsFunc(w.plan, func(r *planned) bool {
				return r.Type == elb+"ListenerRule" && mentions(r.Given, p.ID) && mentions(r.Given, group.ID)
			}))
	})
}

func (w *walk) blocked(lb *planned, hop network.Hop, port string) {
	p := w.byID[hop.ID]
	if p == nil {
		p = w.service
	}
	ours, theirs := texts(w.service.get("NetworkConfiguration", "AwsvpcConfiguration", "SecurityGroups")), texts(lb.get("SecurityGroups"))
	f := Finding{Severity: Error, Code: "lb.sg", Message: fmt.Sprintf("the load balancer %s cannot reach port %s of the tasks of %s: %s", lb.label(), port, w.service.label(), w.labels(hop.Text))}
	if hop.Kind == network.HopIngress && len(ours) > 0 && len(theirs) > 0 {
		to, from := w.reference(p.Stack, ours[0]), w.reference(p.Stack, theirs[0])
		f.Fix = Fix{Lang: cloudFormation, Target: "Resources", Text: fmt.Sprintf("FromLoadBalancer:\n  Type: AWS::EC2::SecurityGroupIngress\n  Properties: { GroupId: %s, SourceSecurityGroupId: %s, IpProtocol: tcp, FromPort: %s, ToPort: %s }", to, from, port, port)}
		if p.Stack.Lang == terraformLang {
			f.Fix = Fix{Lang: terraformLang, Text: fmt.Sprintf("resource \"aws_vpc_security_group_ingress_rule\" \"from_load_balancer\" {\n  security_group_id            = %s\n  referenced_security_group_id = %s\n  ip_protocol                  = \"tcp\"\n  from_port                    = %s\n  to_port                      = %s\n}", to, from, port, port)}
		}
	}
	w.findAt(p, f, map[bool]string{true: "SecurityGroupIngress", false: "SecurityGroupEgress"}[hop.Kind == network.HopIngress])
}

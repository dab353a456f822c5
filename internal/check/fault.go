package check

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/check/rehearsal"
	"github.com/neargate/neargate/internal/decision"
)

// fault is a request of a task that does not arrive.
type fault struct {
	decision decision.Decision
	host     string
	subnet   string
}

// reach follows a request from one interface. A fault is kept, once for each
// host and subnet; ingress rules that the service does not wait for are told.
func (w *walk) reach(e eni, host string) (rehearsal.Path, bool) {
	path, d, ok := w.instance.Reach(e.id, host, 443)
	if path.Endpoint != "" {
		w.used[path.Endpoint] = true
	}
	if !ok {
		if !slices.ContainsFunc(w.net, func(f fault) bool { return f.host == host && f.subnet == e.subnet }) {
			w.net = append(w.net, fault{d, host, e.subnet})
		}
		return path, false
	}
	for _, rule := range path.Rules {
		if made := w.byID[rule]; made != nil && made.Type == "AWS::EC2::SecurityGroupIngress" && !w.service.after(made) {
			w.waits("dep.ingress", made, fmt.Sprintf("%s does not wait for %s, which lets its tasks reach %s: the first ones may fail to start", w.service.label(), made.label(), host))
		}
	}
	return path, true
}

// waits warns that a service may begin before something that it needs.
func (w *walk) waits(code string, for_ *planned, message string) {
	if w.told[w.service.label()+code+for_.label()] {
		return
	}
	w.told[w.service.label()+code+for_.label()] = true
	w.findAt(w.service, Finding{Severity: Warning, Code: code, Message: message, Fix: dependsFix(w.service, for_)})
}

// network turns the faults of a service into findings: one for each cause and
// place. Where a host of the internet has no route, AWS's hosts have none for the
// same reason, and one route mends both.
func (w *walk) network() {
	if slices.ContainsFunc(w.net, func(f fault) bool { return f.decision.Code == "net.no-route" }) {
		for i := range w.net {
			if w.net[i].decision.Code == "net.endpoint-missing" {
				w.net[i].decision.Code, w.net[i].decision.Fix = "net.no-route", nil
			}
		}
	}
	for len(w.net) > 0 {
		first := w.net[0].decision
		var together, rest []fault
		for _, f := range w.net {
			if f.decision.Code == first.Code && (f.decision.Where == first.Where || routed(first.Code)) {
				together = append(together, f)
			} else {
				rest = append(rest, f)
			}
		}
		w.net = rest
		w.fault(together)
	}
}

// routed reports whether a fault is about where a subnet's packets can go.
func routed(code string) bool {
	switch code {
	case "net.endpoint-missing", "net.no-route", "net.igw-no-public-ip", "net.blackhole", "net.nat-no-route":
		return true
	}
	return false
}

// fault tells of one cause for all hosts and subnets that it concerns.
func (w *walk) fault(all []fault) {
	d := all[0].decision
	var hosts, subnets []string
	var fixes []Fix
	for _, f := range all {
		if !slices.Contains(hosts, f.host) {
			hosts = append(hosts, f.host)
			if fix := w.fixOf(f.decision); !slices.Contains(fixes, fix) && fix.Text != "" {
				fixes = append(fixes, fix)
			}
		}
		if label := w.named(f.subnet); !slices.Contains(subnets, label) {
			subnets = append(subnets, label)
		}
	}
	f := Finding{Severity: Error, Code: d.Code, Message: w.labels(outsideHost.ReplaceAllString(d.Cause, "$1"))}
	if len(hosts) > 1 {
		f.Message = fmt.Sprintf("tasks of %s in %s cannot reach %s: %s", w.service.label(), strings.Join(subnets, " and "), strings.Join(hosts, ", "), reason(d.Code, f.Message))
	}
	if len(fixes) > 0 {
		f.Fix = fixes[0]
		for _, more := range fixes[1:] {
			f.Fix.Text += "\n" + more.Text
		}
	}
	if len(w.unsure) > 0 {
		f.Severity = Warning
		f.Message += " (unless " + w.unsure[0] + " leads there, which check does not follow)"
	}
	place, property := w.placeOf(d)
	w.findAt(place, f, property...)
}

// outsideHost matches a host of the internet with the address that stands for it.
var outsideHost = regexp.MustCompile(regexp.QuoteMeta(rehearsal.Outside) + ` \(([^)]*)\)`)

// reason is why several hosts cannot be reached, in general.
func reason(code, cause string) string {
	switch code {
	case "net.endpoint-missing":
		return "no route leads there and no VPC endpoint answers for them"
	case "net.no-route":
		return "no route leads there"
	case "net.blackhole":
		return "their route leads to something that is not there or not attached"
	case "net.nat-no-route":
		return "the subnet of their NAT gateway has no way to the internet"
	case "net.igw-no-public-ip":
		return "their route leads to an internet gateway, which carries only tasks with a public IP"
	}
	return cause
}

// placeOf is the resource, and the property of it, that a fault is about.
func (w *walk) placeOf(d decision.Decision) (*planned, []string) {
	config := []string{"NetworkConfiguration", "AwsvpcConfiguration"}
	where, _, _ := strings.Cut(d.Where, " ")
	p := w.byID[where]
	switch {
	case d.Code == "net.igw-no-public-ip" && w.service.get(append(config, "AssignPublicIp")...) != nil:
		return w.service, append(config, "AssignPublicIp")
	case routed(d.Code) || p == nil:
		return w.service, append(config, "Subnets")
	case d.Code == "net.private-dns-off":
		return p, []string{"PrivateDnsEnabled"}
	case d.Code == "net.dns-off":
		return p, []string{"EnableDnsSupport"}
	case d.Code == "net.sg-egress":
		return p, []string{"SecurityGroupEgress"}
	case d.Code == "net.endpoint-sg" || d.Code == "net.sg-ingress":
		return p, []string{"SecurityGroupIngress"}
	}
	return p, nil
}

// fixOf is the fix that `neargate why` would print, in the source's language and
// with its names.
func (w *walk) fixOf(d decision.Decision) Fix {
	lang := w.service.Stack.Lang
	chosen := Fix{}
	for _, f := range d.Fix {
		if f.Lang == lang || chosen.Text == "" && f.Lang == "cli" {
			chosen = Fix{Lang: f.Lang, Target: w.labels(f.Target), Text: f.Text}
		}
	}
	if chosen.Lang != lang {
		if text := ownFix(w, d); text != "" {
			return Fix{Lang: lang, Text: text}
		}
	}
	if chosen.Lang == "cli" {
		chosen.Text = w.labels(chosen.Text)
		return chosen
	}
	home := w.service.Stack
	if p, _ := w.placeOf(d); chosen.Target == "stack "+p.Stack.Name {
		home = p.Stack
	}
	chosen.Target = strings.TrimPrefix(chosen.Target, "stack check")
	chosen.Text = physicalID.ReplaceAllStringFunc(strings.ReplaceAll(chosen.Text, `"`, "\x00"), func(id string) string {
		if w.byID[id] == nil && w.defaults[id].of == nil {
			return map[bool]string{true: "MAIN_ROUTE_TABLE", false: id}[strings.HasPrefix(id, "rtb-")]
		}
		return "\x01" + w.reference(home, id) + "\x01"
	})
	chosen.Text = strings.NewReplacer("\x00\x01", "", "\x01\x00", "", "\x01", "", "\x00", `"`).Replace(chosen.Text)
	return chosen
}

package why

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// findGroup finds a target group by its name.
func findGroup(tx *store.Tx, account, region, name string) *state.TargetGroup {
	for g := range state.TargetGroups.By(tx, "name", state.Key(account, region, name)) {
		return g
	}
	return nil
}

// groupName is the name of a target group in target-group/NAME or an ARN, "" in others.
func groupName(target string) string {
	if _, rest, ok := strings.Cut(target, ":targetgroup/"); ok {
		name, _, _ := strings.Cut(rest, "/")
		return name
	}
	name, ok := strings.CutPrefix(target, "target-group/")
	if !ok {
		return ""
	}
	return name
}

// targetGroup explains the targets of a group that are unhealthy.
func (x *Explainer) targetGroup(tx *store.Tx, g *state.TargetGroup) Report {
	r := Report{Target: "target-group/" + g.Name}
	n := names{tx, g.Account, g.Region}
	all, healthy := 0, 0
	for t := range state.Targets.By(tx, "group", g.Key()) {
		if t.Draining() {
			continue
		}
		all++
		switch t.Health {
		case state.TargetHealthy:
			healthy++
			r.Findings = append(r.Findings, x.clients(n, g, t)...)
		case state.TargetUnhealthy:
			r.Findings = append(r.Findings, x.target(n, g, t))
		}
	}
	r.Summary = fmt.Sprintf("target group %s: %d/%d targets healthy", g.Name, healthy, all)
	r.Healthy = len(r.Findings) == 0 && healthy == all
	return r
}

// target explains one unhealthy target: what is on the way, or what it answers.
func (x *Explainer) target(n names, g *state.TargetGroup, t *state.Target) Finding {
	f, ok := x.onTheWay(n, g, t)
	if !ok {
		f = n.unhealthy(n.taskOf(t), g.ARN(), t.Description)
	}
	f.AWSSays = t.Reason + " " + t.Description
	f.Seen = append(f.Seen, Seen{Time: t.HealthSince, Text: "the health check of " + g.Name + " asked " + CheckAddress(g, t) + ": " + t.Description})
	return f
}

// CheckAddress is where the health checks of a group ask a target.
func CheckAddress(g *state.TargetGroup, t *state.Target) string {
	return strings.ToLower(g.HealthCheck.Protocol) + "://" + t.ID + ":" + strconv.Itoa(checkPort(g, t)) + g.HealthCheck.Path
}

func checkPort(g *state.TargetGroup, t *state.Target) int {
	if port, err := strconv.Atoi(g.HealthCheck.Port); err == nil {
		return port
	}
	return int(t.Port)
}

// onTheWay finds what keeps the health checks of a target group from a target.
func (x *Explainer) onTheWay(n names, g *state.TargetGroup, t *state.Target) (Finding, bool) {
	to, err := netip.ParseAddr(t.ID)
	if err != nil || x.Path == nil {
		return Finding{}, false
	}
	for _, lb := range n.balancersOf(g.ARN()) {
		for _, node := range lb.Subnets {
			if d, ok := x.Path(t.Account, t.Region, node.InterfaceID, to, checkPort(g, t)); ok {
				d.Time = time.Now()
				return finding(d, nil), true
			}
		}
	}
	return Finding{}, false
}

// taskOf is the task of a service that a target is, nil when it is none.
func (n names) taskOf(t *state.Target) *state.Task {
	for _, task := range state.TasksOfTarget(n.tx, t.Key()) {
		if task.LastStatus == state.TaskRunning {
			return task
		}
	}
	return nil
}

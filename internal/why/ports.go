package why

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/state"
)

// factListening is the name of facts about sockets: "127.0.0.1:8080".
const factListening = "listening"

// ports explains a task whose application does not listen where its port
// mappings say. ok is false when it does, or when it listens nowhere at all: it
// may only be slow.
func (n names) ports(t *state.Task, listening []netip.AddrPort) (f Finding, ok bool) {
	d := taskDefinition(n.tx, t.TaskDefinition)
	if d == nil || len(listening) == 0 {
		return f, false
	}
	for _, c := range d.Containers {
		for _, m := range c.PortMappings {
			if m.ContainerPort == nil || m.Protocol == "udp" {
				continue
			}
			if f, ok = n.port(t, d, c, int(*m.ContainerPort), listening); ok {
				return f, true
			}
		}
	}
	return f, false
}

// misplaced is a mapped port where the application does not listen as it should.
type misplaced struct {
	code string
	seen netip.AddrPort // where it listens instead
}

// judgePort judges one mapped port by what listens.
func judgePort(d *state.TaskDefinition, port int, listening []netip.AddrPort) (misplaced, bool) {
	mapped := mappedPorts(d)
	var local, other netip.AddrPort
	for _, s := range listening {
		switch {
		case int(s.Port()) == port && !s.Addr().IsLoopback():
			return misplaced{}, false
		case int(s.Port()) == port:
			local = s
		case !slices.Contains(mapped, int(s.Port())) && !other.IsValid():
			other = s
		}
	}
	switch {
	case local.IsValid():
		return misplaced{"run.bind-localhost", local}, true
	case other.IsValid():
		return misplaced{"run.wrong-port", other}, true
	}
	return misplaced{}, false
}

// port explains one mapped port.
func (n names) port(t *state.Task, d *state.TaskDefinition, c state.ContainerDefinition, port int, listening []netip.AddrPort) (Finding, bool) {
	m, ok := judgePort(d, port, listening)
	if !ok {
		return Finding{}, false
	}
	f := Finding{Code: m.code, Resource: t.TaskDefinition, Where: "container " + c.Name + " of " + n.where(t.TaskDefinition), Confidence: decision.Observed, Tasks: []string{t.ID}}
	if m.code == "run.bind-localhost" {
		f.Cause = fmt.Sprintf("container %s listens on %s, which nobody outside the task reaches", c.Name, m.seen)
		f.Fixes = append(n.bindEverywhere(t, c), n.rollBack(t)...)
	} else {
		f.Cause = fmt.Sprintf("container %s maps port %d, but nothing listens there; the task listens on %s", c.Name, port, m.seen)
		f.Fixes = append(n.remap(t, c, port, int(m.seen.Port())), n.rollBack(t)...)
	}
	return f, true
}

func mappedPorts(d *state.TaskDefinition) []int {
	var out []int
	for _, c := range d.Containers {
		for _, m := range c.PortMappings {
			if m.ContainerPort != nil {
				out = append(out, int(*m.ContainerPort))
			}
		}
	}
	return out
}

// bindEverywhere replaces the loopback address in what the task definition gives
// the container, where it does.
func (n names) bindEverywhere(t *state.Task, c state.ContainerDefinition) []decision.Fix {
	everywhere := strings.NewReplacer("127.0.0.1", "0.0.0.0", "localhost", "0.0.0.0")
	set := map[string]any{}
	command, changed := make([]string, len(c.Command)), false
	for i, word := range c.Command {
		command[i] = everywhere.Replace(word)
		changed = changed || command[i] != word
	}
	if changed {
		set["command"] = command
	}
	var environment []map[string]string
	changed = false
	for _, v := range c.Environment {
		value := everywhere.Replace(v.Value)
		changed = changed || value != v.Value && isAddress(v.Value)
		if !isAddress(v.Value) {
			value = v.Value
		}
		environment = append(environment, map[string]string{"name": v.Name, "value": value})
	}
	if changed {
		set["environment"] = environment
	}
	if len(set) == 0 {
		return nil
	}
	return n.revise(t, edit{container: c.Name, set: set, cfn: "# in the Command or Environment of " + c.Name + ":\n0.0.0.0 instead of 127.0.0.1", hcl: "# in the command or environment of " + c.Name + ":\n0.0.0.0 instead of 127.0.0.1"})
}

// isAddress reports whether a value is a loopback address, with or without a port.
func isAddress(value string) bool {
	host, _, _ := strings.Cut(value, ":")
	return host == "127.0.0.1" || host == "localhost"
}

// remap changes a port mapping, and the port in the health check, to the port
// that the application really listens on.
func (n names) remap(t *state.Task, c state.ContainerDefinition, from, to int) []decision.Fix {
	var mappings []map[string]any
	for _, m := range c.PortMappings {
		port := map[string]any{"protocol": m.Protocol}
		if m.ContainerPort != nil {
			port["containerPort"] = *m.ContainerPort
			if int(*m.ContainerPort) == from {
				port["containerPort"] = to
			}
			port["hostPort"] = port["containerPort"]
		}
		if m.Name != "" {
			port["name"] = m.Name
		}
		mappings = append(mappings, port)
	}
	set := map[string]any{"portMappings": mappings}
	if h := c.HealthCheck; h != nil {
		check := map[string]any{"command": movePort(h.Command, from, to), "interval": h.Interval, "timeout": h.Timeout, "retries": h.Retries}
		if h.StartPeriod != nil {
			check["startPeriod"] = *h.StartPeriod
		}
		set["healthCheck"] = check
	}
	return n.revise(t, edit{container: c.Name, set: set,
		cfn: fmt.Sprintf("# in the container definition of %s\nPortMappings: [{ ContainerPort: %d }]", c.Name, to), hcl: fmt.Sprintf("# in the container definition of %s\nportMappings = [{ containerPort = %d }]", c.Name, to)})
}

// movePort replaces ":80" in the words of a command.
func movePort(command []string, from, to int) []string {
	out := make([]string, len(command))
	for i, word := range command {
		out[i] = strings.ReplaceAll(word, ":"+strconv.Itoa(from), ":"+strconv.Itoa(to))
	}
	return out
}

// listeningFacts reads sockets back from facts.
func listeningFacts(d decision.Decision) []netip.AddrPort {
	var out []netip.AddrPort
	for _, f := range d.Facts {
		if a, err := netip.ParseAddrPort(f.Value); f.Name == factListening && err == nil {
			out = append(out, a)
		}
	}
	return out
}

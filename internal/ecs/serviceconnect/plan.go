package serviceconnect

import (
	"net/netip"
	"strconv"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer"
	"github.com/neargate/neargate/internal/loadbalancer/rule"
	"github.com/neargate/neargate/internal/state"
)

// AWS's time-outs where a service says nothing.
const (
	idleHTTP   = 5 * time.Minute
	idleTCP    = time.Hour
	perRequest = 15 * time.Second
	unlimited  = 365 * 24 * time.Hour // of those that a service turns off
)

// traffic is the id of the one listener and the one group of each Server.
const traffic = "service-connect"

// door is where a proxy listens, and what it is about.
type door struct {
	id       string
	address  string // IP:port in the task's namespace; port 0 is any
	instead  uint16 // port of the container whose connections from outside come here; 0: none
	service  state.ConnectService
	endpoint *state.ConnectEndpoint // nil: a door for what comes from outside
}

// doors are all of a task's proxy.
func doors(t *state.Task) []door {
	var out []door
	addresses := Addresses(t.Connect)
	for i := range t.Connect.Endpoints {
		e := &t.Connect.Endpoints[i]
		at := netip.AddrPortFrom(addresses[e.DNSName], uint16(e.Port)).String()
		out = append(out, door{id: "to " + e.DNSName + ":" + strconv.Itoa(int(e.Port)), address: at, service: e.Target, endpoint: e})
	}
	for _, s := range t.Connect.Services {
		d := door{id: "from " + s.Discovery(), address: t.Interface.PrivateIP + ":" + strconv.Itoa(int(s.IngressPort)), service: s}
		if s.IngressPort == 0 {
			d.instead = uint16(s.ContainerPort)
		}
		out = append(out, d)
	}
	return out
}

// Addresses gives each name of a task's endpoints an address of the loopback, for
// its hosts file.
func Addresses(c *state.TaskConnect) map[string]netip.Addr {
	out := map[string]netip.Addr{}
	for _, e := range c.Endpoints { // sorted by name
		if n := len(out); !out[e.DNSName].IsValid() {
			out[e.DNSName] = netip.AddrFrom4([4]byte{127, 255, byte(n / 254), byte(n%254 + 1)})
		}
	}
	return out
}

// config is what carries the traffic of a door to targets.
func (d door) config(targets []loadbalancer.Target) loadbalancer.Config {
	l := loadbalancer.Listener{
		ID: traffic, Protocol: loadbalancer.HTTP, Headers: loadbalancer.Headers{HideServer: true, Response: map[string]string{"Server": "envoy"}},
		Default: []rule.Action{{Type: rule.Forward, Forward: rule.ForwardTo{Groups: []rule.Weighted{{Group: traffic, Weight: 1}}}}},
	}
	g := loadbalancer.Group{ID: traffic, Protocol: loadbalancer.HTTP, Version: loadbalancer.HTTP1, Targets: targets}
	idle := seconds(d.service.Idle, idleHTTP, unlimited)
	if d.endpoint != nil {
		g.RequestTimeout = seconds(d.service.PerRequest, perRequest, 0)
	}
	switch d.service.Protocol {
	case "http":
	case "http2", "grpc":
		l.PriorKnowledge, g.Version = true, loadbalancer.HTTP2
	default:
		idle = seconds(d.service.Idle, idleTCP, unlimited)
		l.Protocol, g.Protocol, g.Version = loadbalancer.TCP, loadbalancer.TCP, ""
	}
	l.IdleTimeout = idle
	return loadbalancer.Config{
		Name: d.id, Type: loadbalancer.Proxy, Listeners: []loadbalancer.Listener{l}, Groups: []loadbalancer.Group{g},
		Attributes: loadbalancer.Attributes{IdleTimeout: idle, HTTP2: true, CrossZone: true, Desync: loadbalancer.Monitor},
	}
}

// seconds is a time-out that may be given; off is what zero means.
func seconds(n *int32, otherwise, off time.Duration) time.Duration {
	switch {
	case n == nil:
		return otherwise
	case *n == 0:
		return off
	}
	return time.Duration(*n) * time.Second
}

// container is the only target of what comes from outside.
func (d door) container() []loadbalancer.Target {
	return []loadbalancer.Target{{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(d.service.ContainerPort)), State: loadbalancer.Healthy}}
}

// members are the instances of Cloud Map as targets, in the order of their ids.
func members(instances []*state.ServiceInstance) []loadbalancer.Target {
	var out []loadbalancer.Target
	for _, i := range instances {
		addr, err := netip.ParseAddr(i.Attributes["AWS_INSTANCE_IPV4"])
		port, err2 := strconv.ParseUint(i.Attributes["AWS_INSTANCE_PORT"], 10, 16)
		if err != nil || err2 != nil {
			continue
		}
		target := loadbalancer.Target{Addr: netip.AddrPortFrom(addr, uint16(port)), State: loadbalancer.Healthy}
		if i.Health == state.InstanceUnhealthy {
			target.State = loadbalancer.Unhealthy
		}
		out = append(out, target)
	}
	return out
}

// ready reports whether something listens on every port that the task offers.
func ready(t *state.Task, listening []netip.AddrPort) bool {
	for _, s := range t.Connect.Services {
		heard := false
		for _, at := range listening {
			a := at.Addr().Unmap()
			heard = heard || at.Port() == uint16(s.ContainerPort) && (a.IsUnspecified() || a.String() == "127.0.0.1" || a.String() == t.Interface.PrivateIP)
		}
		if !heard {
			return false
		}
	}
	return true
}

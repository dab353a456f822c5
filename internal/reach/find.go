package reach

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/dns"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// ErrNotFound means that nothing has the name of an end.
var ErrNotFound = errors.New("nothing has that name")

// maxEnds is how many tasks of a service are looked at.
const maxEnds = 20

// finder finds ends among the records of an account and region.
type finder struct {
	tx              *store.Tx
	account, region string
	serves          func(region, service string) bool // is it a service of AWS that endpoints lead to?
}

// ends returns what a name stands for: the running tasks of a service, one end
// for everything else.
func (f finder) ends(name string) ([]End, error) {
	switch {
	case name == "internet":
		return []End{{Name: "internet", Kind: Internet, Addr: Somewhere}}, nil
	case name == "internet6":
		return []End{{Name: "internet", Kind: Internet, Addr: Somewhere6}}, nil
	case name == "host":
		return []End{{Name: "this machine", Kind: Internet, Addr: network.HostClient}}, nil
	case name == "host6":
		return []End{{Name: "this machine", Kind: Internet, Addr: network.HostClient6}}, nil
	case strings.HasPrefix(name, "eni-"):
		if n, ok := state.NetworkInterfaces.Get(f.tx, state.Key(f.account, f.region, name)); ok {
			return []End{f.of(n)}, nil
		}
		return nil, f.missing(name)
	case strings.HasPrefix(name, "vpce-"):
		return f.endpoint(name)
	}
	if a, err := netip.ParseAddr(name); err == nil {
		return []End{f.address(a)}, nil
	}
	if all := f.tasks(name); len(all) > 0 {
		return all, nil
	}
	if service := strings.TrimPrefix(name, "com.amazonaws."+f.region+"."); f.serves(f.region, service) {
		return []End{{Name: service, Kind: Name, Host: f.publicName(service), Ports: []Port{{443, network.TCP}}}}, nil
	}
	if strings.Contains(name, ".") && !strings.Contains(name, "/") {
		return []End{{Name: name, Kind: Name, Host: strings.TrimSuffix(name, "."), Ports: []Port{{443, network.TCP}}}}, nil
	}
	return nil, f.missing(name)
}

func (f finder) missing(name string) error { return fmt.Errorf("%s: %w", name, ErrNotFound) }

// publicName is the host name under which clients know a service.
func (f finder) publicName(service string) string {
	if service == "ecr.dkr" {
		return f.account + ".dkr.ecr." + f.region + ".amazonaws.com"
	}
	return dns.PrivateNames(service, f.region)[0]
}

// address is the interface of the caller's that has a public address, or an IPv6
// address, or the bare address.
func (f finder) address(a netip.Addr) End {
	if a.Is6() {
		for n := range state.NetworkInterfaces.All(f.tx, state.Prefix(f.account, f.region)) {
			if n.IPv6Address == a.String() {
				e := f.of(n)
				e.Addr, e.Public = a, a
				return e
			}
		}
	}
	for n := range state.NetworkInterfaces.By(f.tx, "public", a.String()) {
		if n.Account == f.account && n.Region == f.region {
			return f.of(n)
		}
	}
	return End{Name: a.String(), Kind: Address, Addr: a}
}

// tasks finds a task (task/ID, the id, its start, or ARN), or those of a service
// (service/NAME, NAME, CLUSTER/NAME) that have an address, the running ones first.
func (f finder) tasks(name string) []End {
	kind, rest, typed := strings.Cut(name, "/")
	if strings.HasPrefix(name, "arn:") {
		kind, rest, typed = "", name[strings.LastIndexByte(name, '/')+1:], true
	}
	if !typed || kind != "task" && kind != "service" && kind != "" {
		kind, rest = "", name
	}
	var found []*state.Task
	for t := range state.Tasks.All(f.tx, state.Prefix(f.account, f.region)) {
		if t.Interface.ID == "" || t.LastStatus == state.TaskStopped {
			continue
		}
		byID := kind != "service" && len(rest) >= 6 && strings.HasPrefix(t.ID, rest)
		byService := kind != "task" && t.Service != "" && (t.Service == rest || t.Cluster+"/"+t.Service == rest)
		if byID || byService {
			found = append(found, t)
		}
	}
	slices.SortFunc(found, func(a, b *state.Task) int {
		running := func(t *state.Task) int { return map[bool]int{true: 0, false: 1}[t.LastStatus == state.TaskRunning] }
		return cmp.Or(cmp.Compare(running(a), running(b)), cmp.Compare(a.ID, b.ID))
	})
	var all []End
	for _, t := range found[:min(len(found), maxEnds)] {
		if n, ok := state.NetworkInterfaces.Get(f.tx, state.Key(f.account, f.region, t.Interface.ID)); ok {
			all = append(all, f.of(n))
		}
	}
	return all
}

// endpoint is the first interface of an interface endpoint; a gateway endpoint
// is where its service's public name leads.
func (f finder) endpoint(id string) ([]End, error) {
	e, ok := state.VpcEndpoints.Get(f.tx, state.Key(f.account, f.region, id))
	if !ok {
		return nil, f.missing(id)
	}
	service := strings.TrimPrefix(e.ServiceName, "com.amazonaws."+e.Region+".")
	if e.Type == "Gateway" {
		return []End{{Name: id + " (" + service + ")", Kind: Name, Host: f.publicName(service), VPC: e.VpcID, Ports: []Port{{443, network.TCP}}}}, nil
	}
	for _, eni := range e.NetworkInterfaceIDs {
		if n, ok := state.NetworkInterfaces.Get(f.tx, state.Key(f.account, f.region, eni)); ok {
			return []End{f.of(n)}, nil
		}
	}
	return nil, f.missing(id)
}

// of is the end that a network interface is.
func (f finder) of(n *state.NetworkInterface) End {
	e := End{Name: n.ID, Kind: Interface, ENI: n.ID, VPC: n.VpcID}
	e.Addr, _ = netip.ParseAddr(n.PrivateIPAddress)
	e.Public, _ = netip.ParseAddr(n.PublicIPAddress)
	e.IPv6, _ = netip.ParseAddr(n.IPv6Address)
	for t := range state.Tasks.By(f.tx, "eni", n.Key()) {
		e.Task = t.ID
		e.Name = "task " + t.ID[:min(8, len(t.ID))]
		if t.Service != "" {
			e.Name += " of " + t.Service
		}
		e.Ports = f.ports(t)
	}
	switch n.InterfaceType {
	case state.InterfaceTypeEndpoint:
		e.Name, e.Ports = f.named(n.Owner), []Port{{443, network.TCP}}
		if owner, ok := state.VpcEndpoints.Get(f.tx, state.Key(f.account, f.region, n.Owner)); ok {
			e.Name = "endpoint " + owner.ID + " (" + strings.TrimPrefix(owner.ServiceName, "com.amazonaws."+owner.Region+".") + ")"
		}
	case state.InterfaceTypeNAT:
		e.Name = f.named(n.Owner)
	}
	return e
}

// ports are those that the containers of a task's definition map.
func (f finder) ports(t *state.Task) []Port {
	def, ok := state.TaskDefinitions.Get(f.tx, t.DefinitionKey())
	if !ok {
		return nil
	}
	var all []Port
	for _, c := range def.Containers {
		for _, m := range c.PortMappings {
			if m.ContainerPort == nil {
				continue
			}
			p := Port{int(*m.ContainerPort), network.TCP}
			if m.Protocol == "udp" {
				p.Protocol = network.UDP
			}
			all = append(all, p)
		}
	}
	return all
}

// named adds to an id what people call the resource: its logical id in a stack.
func (f finder) named(id string) string {
	for r := range state.StackResources.By(f.tx, "physical", state.Key(f.account, f.region, id)) {
		return id + " (" + r.LogicalID + ")"
	}
	return id
}

// EndOf is the end that a network interface is.
func EndOf(tx *store.Tx, n *state.NetworkInterface) End {
	return finder{tx: tx, account: n.Account, region: n.Region}.of(n)
}

package main

import (
	"net/netip"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/ec2"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/store"
	"github.com/neargate/neargate/internal/why"
)

// balancerClients lets package why ask which clients of a network load balancer a
// target does not let in.
func balancerClients(db *store.DB, site network.Site, networks *ec2.Service, engine *network.Kernel) why.Clients {
	return func(account, region, node string, to netip.Addr, port int) []decision.Decision {
		tx := db.Read()
		view, ok := networks.VPCView(vpcOfInterface(tx, account, region, node))
		target, there := view.ENIByIP(to)
		if !ok || !there {
			return nil
		}
		var out []decision.Decision
		drops, seen := engine.Drops(target.ID), map[netip.Addr]bool{}
		for _, drop := range drops {
			if drop.Egress || drop.To != to || drop.Port != port || seen[drop.From] {
				continue
			}
			if from, ours := view.ENIByIP(drop.From); ours && from.Kind.Hosted() {
				continue
			}
			seen[drop.From] = true
			attempt := why.Attempt{
				Account: account, Region: region, VPC: view, ENI: node, Host: to.String(), Addr: to, Port: port, Protocol: drop.Protocol, Balancer: true, Client: drop.From, Drops: drops,
			}
			if d, refused := why.Network(tx, site, attempt); refused {
				out = append(out, d)
			}
		}
		return out
	}
}

// balancerPath lets package why ask what is between a load balancer's node and a target.
func balancerPath(db *store.DB, site network.Site, networks *ec2.Service, engine *network.Kernel) why.Path {
	return func(account, region, node string, to netip.Addr, port int) (decision.Decision, bool) {
		tx := db.Read()
		view, ok := networks.VPCView(vpcOfInterface(tx, account, region, node))
		if !ok {
			return decision.Decision{}, false
		}
		attempt := why.Attempt{Account: account, Region: region, VPC: view, ENI: node, Host: to.String(), Addr: to, Port: port, Balancer: true, Drops: engine.Drops(node)}
		if target, ok := view.ENIByIP(to); ok {
			attempt.Drops = append(attempt.Drops, engine.Drops(target.ID)...)
		}
		return why.Network(tx, site, attempt)
	}
}

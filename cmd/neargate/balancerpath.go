package main

import (
	"net/netip"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/ec2"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/store"
	"github.com/neargate/neargate/internal/why"
)

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

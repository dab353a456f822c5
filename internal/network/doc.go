// Package network is the VPC on this machine: subnets, route tables, security
// groups, elastic network interfaces and prefix lists become network
// namespaces, routed veths, policy routing and one nftables table per VPC.
//
// A VPC is a value (VPC). Plan, a pure function, says which host state it
// means; an Engine makes it so, adding before it deletes, and adopts what a
// former process left behind. Explain answers from the same value which rule or
// route decides about a connection, so that the diagnosis and the packet filter
// cannot disagree; a test compares them with random VPCs.
//
// What it promises: VPCs with equal address ranges never meet; a packet passes
// only from an ENI's own address, along its subnet's route table, out of its
// groups' egress rules and into the target's ingress rules; what no route
// carries is dropped in silence, so that clients time out as they do on AWS;
// changes act on new connections at once and leave established ones alone, but for
// those that AWS does not track (see untracked.go) and for network ACLs.
//
// It knows plain values only: no AWS API shapes, no records. The loops of the
// ec2 service turn records into VPC values; ecs agents dial through ENIs; the
// edge and load balancers listen inside VPCs.
//
// # The layout
//
//	namespace of a task's ENI          namespace of its VPC                    host
//	ng-INSTANCE-eni-...                ng-INSTANCE-vpc-...
//	                                   lo: routers (base+1), resolver (base+2),
//	eth0 10.0.1.10/24 -- veth -- eniX      169.254.169.253, 169.254.170.2,
//	  default via 10.0.1.1                 endpoints, NAT gateways, load balancers
//	                                   up0 169.254.64.2/30 -- veth -- ngINSTANCEuN 169.254.64.1/30
//
// There are no bridges: also neighbours in a subnet speak through the router, which
// answers ARP for everybody, so that security groups see every packet. The
// main table knows each ENI; a rule per subnet (and one per ENI with a public
// IP) leads everything else to the subnet's own table, which ends in a black
// hole. AWS's public addresses are local routes of those tables: whoever is
// routed to them arrives at our listeners on the wildcard, and nobody else does.
// What goes to the internet is translated twice: at up0 to the public IP of the
// interface or of its NAT gateway, and in the host's table neargate-INSTANCE to
// the host's address, so that the host never sees an address of a VPC. The host
// routes the public IPs of a VPC to its uplink; whoever calls them from this machine
// comes as HostClient, and meets the same ingress chains.
//
// A peering connection is a veth between the namespaces of two VPCs, without
// addresses: each end knows the other's hardware address, and the packet filter lets
// nothing in but from the one VPC's ranges to the other's.
//
// IPv6 is the same on another view of the value (six): addresses of the same
// interfaces in a table ip6 of the packet filter and in routes of its own. It comes
// to a namespace with the first IPv6 range. As on AWS eth0 has its address alone,
// and its router is link-local (fe80::1); no neighbour is discovered, because both
// ends of each link are told of each other. Internet gateways carry the addresses
// as they are, the host translates what leaves the machine.
//
// In the packet filter a packet meets the egress chains of its source, whose
// rules go to the ingress chains of its target, whose rules accept. In between it
// meets the network ACLs of the subnets whose borders it crosses; packets of known
// connections meet nothing else. Resolver and metadata are let through before, as
// security groups on AWS do not filter them.
package network

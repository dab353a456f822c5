// Package network is the VPC on this machine: subnets, route tables, security
// groups, elastic network interfaces and prefix lists become network
// namespaces, routed veths, policy routing and one nftables table per VPC.
//
// A VPC is a value (VPC). Plan, a pure function, says which host state it
// means; an Engine makes it so, adding before it deletes, and adopts what a
// former process left behind. Explain answers from the same value which rule or
// route decides about a connection, so that the diagnosis and the packet filter
// cannot disagree.
//
// What it promises: VPCs with equal address ranges never meet; a packet passes
// only from an ENI's own address, along its subnet's route table, out of its
// groups' egress rules and into the target's ingress rules; what no route
// carries is dropped in silence, so that clients time out as they do on AWS;
// changes act on new connections at once and leave established ones alone.
//
// It knows plain values only: no AWS API shapes, no records. The loops of the
// ec2 service turn records into VPC values; ecs agents dial through ENIs; the
// edge and load balancers listen inside VPCs.
package network

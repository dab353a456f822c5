package state

import (
	"strings"
	"time"

	"github.com/neargate/neargate/internal/store"
)

// LoadBalancer is a load balancer of Elastic Load Balancing v2. It has a node, which
// is a network interface, in each of its subnets. Written by elbv2.
type LoadBalancer struct {
	Account, Region string
	Path            string // the end of its ARN: app/NAME/ID or net/NAME/ID
	Name            string
	Type            string // "application" or "network"
	Scheme          string // "internet-facing" or "internal"
	VpcID           string
	DNSName         string

	Subnets          []LoadBalancerSubnet
	SecurityGroupIDs []string

	// Status is "provisioning" until its nodes are there and it listens, then
	// "active"; "deleting" until they are gone: then the record goes, too.
	Status     string
	Attributes map[string]string // those that somebody set

	CreatedAt time.Time
	Tool      string // the client that made it: caller.Identity.Tool
	Tags      []Tag
}

// LoadBalancerSubnet is a subnet of a load balancer with the node in it.
type LoadBalancerSubnet struct {
	SubnetID         string
	AvailabilityZone string
	// InterfaceID, PrivateIP and PublicIP are of the node, "" until it is made. Only
	// internet-facing ones have a public address.
	InterfaceID, PrivateIP, PublicIP string
	// AllocationID and Address are what somebody asked for, of network load balancers:
	// an elastic address, or a private one.
	AllocationID, Address string
	// Away says that the name does not lead to the node now: no target is healthy in
	// its zone, of a network load balancer that keeps to zones.
	Away bool
}

// The statuses of a load balancer.
const (
	LoadBalancerProvisioning = "provisioning"
	LoadBalancerActive       = "active"
	LoadBalancerDeleting     = "deleting"
)

// elbARN is an ARN of Elastic Load Balancing.
func elbARN(account, region, kind, path string) string {
	return "arn:aws:elasticloadbalancing:" + region + ":" + account + ":" + kind + "/" + path
}

// Key is the record's key.
func (l *LoadBalancer) Key() string { return Key(l.Account, l.Region, l.Path) }

// ARN is the load balancer's ARN.
func (l *LoadBalancer) ARN() string { return elbARN(l.Account, l.Region, "loadbalancer", l.Path) }

// ID is the random part of the load balancer's ARN.
func (l *LoadBalancer) ID() string { return l.Path[strings.LastIndexByte(l.Path, '/')+1:] }

// Network reports whether it is a Network Load Balancer.
func (l *LoadBalancer) Network() bool { return l.Type == "network" }

// InternetFacing reports whether it has public addresses.
func (l *LoadBalancer) InternetFacing() bool { return l.Scheme == "internet-facing" }

// LoadBalancers holds load balancers by account/region/path. Index "name" takes
// account/region/name, "vpc" the key of a VPC.
var LoadBalancers = store.Define("elbv2.load-balancer", (*LoadBalancer).Key,
	store.By("name", func(l *LoadBalancer) []string { return []string{Key(l.Account, l.Region, l.Name)} }),
	store.By("vpc", func(l *LoadBalancer) []string { return []string{Key(l.Account, l.Region, l.VpcID)} }))

// Addresses are the addresses to which its name resolves: the public ones of its
// nodes, or the private ones when it is internal.
func (l *LoadBalancer) Addresses() []string {
	var out []string
	for _, n := range l.Subnets {
		a := n.PrivateIP
		if l.InternetFacing() {
			a = n.PublicIP
		}
		if a != "" && !n.Away && l.Status != LoadBalancerDeleting {
			out = append(out, a)
		}
	}
	return out
}

package network

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

// idPattern bounds what becomes part of names of namespaces, chains and sets.
var idPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

// Validate says what makes a VPC value contradictory, so that it cannot be
// made real: nothing of it is carried out then.
func (v VPC) Validate(site Site) error {
	c := checker{site: site, v: v, seen: map[string]bool{}}
	c.id(v.ID)
	if strings.HasPrefix(v.ID, eniIDs) {
		c.fail("%q is no id of a VPC", v.ID)
	}
	c.ranges()
	for _, g := range v.SecurityGroups {
		c.id(g.ID)
		for _, r := range g.Egress {
			c.rule(r)
		}
		for _, r := range g.Ingress {
			c.rule(r)
		}
	}
	for _, a := range v.NetworkACLs {
		c.acl(a)
	}
	for _, e := range v.ENIs {
		c.eni(e)
	}
	if c.err != nil {
		return fmt.Errorf("network: %s: %w", v.ID, c.err)
	}
	return nil
}

// checker keeps the first thing that is wrong.
type checker struct {
	site Site
	v    VPC
	seen map[string]bool
	err  error
}

func (c *checker) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// id checks that an id is well-formed and new.
func (c *checker) id(id string) {
	if !idPattern.MatchString(id) {
		c.fail("%q is no id", id)
	}
	c.once(id)
}

func (c *checker) once(what string) {
	if c.seen[what] {
		c.fail("%s is there twice", what)
	}
	c.seen[what] = true
}

// ranges checks the VPC's ranges and those of its subnets.
func (c *checker) ranges() {
	for _, p := range c.v.CIDRs {
		switch {
		case !p.IsValid() || !p.Addr().Is4() || p.Bits() < 8 || p.Bits() > 28:
			c.fail("%s is no range for a VPC", p)
		case p.Overlaps(c.site.Uplinks):
			c.fail("%s overlaps the uplinks' range %s", p, c.site.Uplinks)
		case p.Overlaps(c.site.AWS):
			c.fail("%s overlaps the range of AWS's public addresses, %s", p, c.site.AWS)
		}
	}
	for _, p := range c.v.IPv6CIDRs {
		if !p.IsValid() || p.Addr().Is4() || p.Bits() > 64 {
			c.fail("%s is no IPv6 range for a VPC", p)
		}
	}
	for i, s := range c.v.Subnets {
		c.id(s.ID)
		c.subnet6(s, c.v.Subnets[:i])
		if !s.CIDR.IsValid() || !s.CIDR.Addr().Is4() || s.CIDR.Bits() > 28 {
			c.fail("%s is no range for a subnet", s.CIDR)
			continue
		}
		if _, ok := find(c.v.CIDRs, s.CIDR.Overlaps); !ok {
			c.fail("%s of %s is not in the VPC", s.CIDR, s.ID)
		}
		for _, other := range c.v.Subnets[:i] {
			if other.CIDR.IsValid() && other.CIDR.Overlaps(s.CIDR) {
				c.fail("%s and %s overlap", other.ID, s.ID)
			}
		}
	}
}

// subnet6 checks the IPv6 range of a subnet, which comes after others.
func (c *checker) subnet6(s Subnet, others []Subnet) {
	if !s.IPv6CIDR.IsValid() {
		return
	}
	if _, ok := find(c.v.IPv6CIDRs, func(p netip.Prefix) bool { return within(s.IPv6CIDR, p) }); !ok || s.IPv6CIDR.Bits() > 64 {
		c.fail("%s of %s is not in the VPC", s.IPv6CIDR, s.ID)
	}
	if other, ok := find(others, func(o Subnet) bool { return o.IPv6CIDR.Overlaps(s.IPv6CIDR) }); ok {
		c.fail("%s and %s overlap", other.ID, s.ID)
	}
}

func (c *checker) acl(a NetworkACL) {
	c.id(a.ID)
	for _, e := range a.Entries {
		r := e.rule()
		r.ID = ACLRule{a.ID, e.Egress, e.Number}.String()
		if e.Number < 1 || e.Number >= LastEntry || !e.CIDR.IsValid() {
			c.fail("%s: entry %d for %s is no entry", a.ID, e.Number, e.CIDR)
		}
		c.once(r.ID)
		c.traffic(r)
	}
}

func (c *checker) rule(r Rule) {
	c.id(r.ID)
	c.traffic(r)
}

func (c *checker) traffic(r Rule) {
	if (r.Protocol == TCP || r.Protocol == UDP) && (r.FromPort > r.ToPort || r.FromPort < -1 || r.ToPort > 65535) {
		c.fail("%s: %d-%d is no range of ports", r.ID, r.FromPort, r.ToPort)
	}
	if r.Protocol < AnyProtocol || r.Protocol > 255 {
		c.fail("%s: %d is no protocol", r.ID, r.Protocol)
	}
}

func (c *checker) eni(e ENI) {
	c.id(e.ID)
	if !strings.HasPrefix(e.ID, eniIDs) {
		c.fail("%q is no id of an interface", e.ID)
	}
	c.once(e.IP.String())
	s, ok := c.v.Subnet(e.Subnet)
	if !ok || !s.CIDR.Contains(e.IP) {
		c.fail("%s: %s is not in the subnet %q", e.ID, e.IP, e.Subnet)
	}
	if e.IPv6.IsValid() {
		c.once(e.IPv6.String())
		if !s.IPv6CIDR.Contains(e.IPv6) {
			c.fail("%s: %s is not in the subnet %q", e.ID, e.IPv6, e.Subnet)
		}
	}
	if len(e.MAC) != 0 && len(e.MAC) != 6 {
		c.fail("%s: %s is no MAC address", e.ID, e.MAC)
	}
}

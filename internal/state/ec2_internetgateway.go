package state

import "github.com/neargate/neargate/internal/store"

// InternetGateway leads a VPC to the internet. Written by ec2.
type InternetGateway struct {
	Account, Region, ID string

	VpcID string // the VPC it is attached to; "" when it is not
	Tags  []Tag
}

// Key is the record's key.
func (g *InternetGateway) Key() string { return Key(g.Account, g.Region, g.ID) }

// InternetGateways holds the internet gateways; index "vpc" takes the key of
// the VPC that one is attached to.
var InternetGateways = store.Define("ec2.internet-gateway", (*InternetGateway).Key,
	store.By("vpc", func(g *InternetGateway) []string {
		if g.VpcID == "" {
			return nil
		}
		return []string{Key(g.Account, g.Region, g.VpcID)}
	}))

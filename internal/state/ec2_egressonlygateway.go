package state

import "github.com/neargate/neargate/internal/store"

// EgressOnlyInternetGateway lets IPv6 connections of a VPC out to the internet,
// and none in. It is its VPC's from the beginning to the end. Written by ec2.
type EgressOnlyInternetGateway struct {
	Account, Region, ID, VpcID string

	ClientToken string
	Tags        []Tag
}

// Key is the record's key.
func (g *EgressOnlyInternetGateway) Key() string { return Key(g.Account, g.Region, g.ID) }

// EgressOnlyInternetGateways holds the egress-only internet gateways; index
// "vpc" takes the key of a VPC.
var EgressOnlyInternetGateways = store.Define("ec2.egress-only-internet-gateway", (*EgressOnlyInternetGateway).Key,
	store.By("vpc", func(g *EgressOnlyInternetGateway) []string { return []string{Key(g.Account, g.Region, g.VpcID)} }))

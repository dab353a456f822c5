package ec2

import (
	"context"
	"time"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/edge"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/reconcile"
	"github.com/neargate/neargate/internal/store"
)

// Engine is the part of the data plane that EC2 drives; package network has it.
type Engine interface {
	Set(ctx context.Context, v network.VPC) error
	Remove(ctx context.Context, vpcID string) error
	Keep(ctx context.Context, vpcIDs []string) error
	NetNS(eniID string) string
}

// Edge is what answers inside VPCs: resolver, metadata, AWS's endpoints;
// package edge has it.
type Edge interface {
	Set(ctx context.Context, v edge.VPC) error
	Remove(vpcID string)
}

// Service carries out the EC2 API. Make it with New; Run must run for changes
// to reach the data plane.
type Service struct {
	db      *store.DB
	engine  Engine
	edge    Edge
	options Options
	now     func() time.Time
	loop    reconcile.Loop
	progress
}

var _ ec2api.API = (*Service)(nil)

// New makes the service on its records and its data plane.
func New(db *store.DB, engine Engine, edge Edge, options Options) *Service {
	if options.Now == nil {
		options.Now = time.Now
	}
	s := &Service{db: db, engine: engine, edge: edge, options: options, progress: progress{present: map[string]bool{}}}
	s.now = func() time.Time { return options.Now().UTC().Truncate(time.Millisecond) }
	s.loop.Name = "ec2.vpc"
	s.loop.Do = s.reconcile
	return s
}

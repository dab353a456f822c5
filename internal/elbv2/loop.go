package elbv2

import (
	"context"
	"os"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/reconcile"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// init makes the loops, and lets them see every change of a record.
func (s *Service) init() {
	s.running = map[string]*balancer{}
	if s.Plane == nil {
		return
	}
	s.balancers = reconcile.Loop{Name: "elbv2.load-balancer", Do: s.balance}
	s.groups = reconcile.Loop{Name: "elbv2.target-group", Do: s.settle}
	s.DB.OnCommit(func(changes []store.Change) {
		for _, c := range changes {
			if c.Table == state.Certificates.Name() || c.Table == state.TrustStores.Name() { // perhaps renewed
				s.Refresh()
				continue
			}
			account, region, path := state.SplitKey(c.Key)
			switch c.Table {
			case state.LoadBalancers.Name(), state.Listeners.Name(), state.ListenerRules.Name():
				s.balancers.Add(state.Key(account, region, balancerPath(path)))
				if c.Table == state.LoadBalancers.Name() {
					s.moved(c.Key)
				}
			case state.TargetGroups.Name():
				s.groups.Add(c.Key)
			case state.Targets.Name():
				s.groups.Add(state.Key(account, region, groupPath(path)))
			}
		}
	})
}

// Refresh looks at every load balancer again: certificates may have changed.
func (s *Service) Refresh() {
	for b := range state.LoadBalancers.All(s.DB.Read(), "") {
		s.balancers.Add(b.Key())
	}
}

// Run carries the traffic of all load balancers until ctx ends. It begins with
// what the records say, so that a restart brings everything back.
func (s *Service) Run(ctx context.Context) error {
	tx := s.DB.Read()
	for b := range state.LoadBalancers.All(tx, "") {
		s.balancers.Add(b.Key())
	}
	for g := range state.TargetGroups.All(tx, "") {
		s.groups.Add(g.Key())
	}
	group, ctx := errgroup.WithContext(ctx)
	s.mu.Lock()
	s.serve = func(run func(context.Context) error) { group.Go(func() error { return run(ctx) }) }
	s.mu.Unlock()
	group.Go(func() error { return s.balancers.Run(ctx) })
	group.Go(func() error { return s.groups.Run(ctx) })
	group.Go(func() error { return s.measure(ctx) })
	err := group.Wait()
	s.deliverRest(ctx)
	return err
}

// balance makes one load balancer what its records say.
func (s *Service) balance(ctx context.Context, key string) (reconcile.Result, error) {
	b, ok := state.LoadBalancers.Get(s.DB.Read(), key)
	if !ok {
		if r := s.stop(key); r != nil {
			r.closeSpool()
		}
		return reconcile.Result{}, nil
	}
	if b.Status == state.LoadBalancerDeleting {
		if r := s.stop(key); r != nil {
			s.deliver(ctx, b, r)
			r.closeSpool()
		}
		if s.Plane.Spool != "" {
			_ = os.Remove(s.spoolPath(key))
		}
		return reconcile.Result{}, s.remove(ctx, b)
	}
	b, err := s.makeNodes(ctx, b)
	if err != nil {
		return reconcile.Result{}, err
	}
	if err := s.carry(ctx, b); err != nil {
		return reconcile.Result{}, err
	}
	if err := s.activate(ctx, b); err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{After: s.deliverSoon(ctx, b)}, nil
}

// logEvery is the time between two deliveries of logs.
const logEvery = 5 * time.Second

// deliverSoon delivers what waits in the logs of a load balancer, and says when to
// come again.
func (s *Service) deliverSoon(ctx context.Context, b *state.LoadBalancer) time.Duration {
	s.mu.Lock()
	r := s.running[b.Key()]
	s.mu.Unlock()
	l := r.logs.Load()
	if l == nil || !l.access && !l.connections {
		return 0
	}
	if left := logEvery - s.Now().Sub(r.delivered); left > 0 {
		return left
	}
	r.delivered = s.Now()
	s.deliver(ctx, b, r)
	return logEvery
}

// deliverRest delivers what waits when everything ends.
func (s *Service) deliverRest(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	for key, r := range s.running {
		if b, ok := state.LoadBalancers.Get(s.DB.Read(), key); ok {
			s.deliver(ctx, b, r)
		}
		r.closeSpool()
	}
}

// makeNodes makes the nodes of a load balancer, and takes those away whose subnet it
// no longer has. It returns the record with their addresses.
func (s *Service) makeNodes(ctx context.Context, b *state.LoadBalancer) (*state.LoadBalancer, error) {
	subnets := slices.Clone(b.Subnets)
	kept := map[string]bool{}
	for i, n := range subnets {
		node, err := s.Plane.Nodes.EnsureNode(ctx, NodeSpec{
			Account: b.Account, Region: b.Region, Name: "elb/" + b.Path + "/" + n.SubnetID, Owner: b.Path, Description: "ELB " + b.Path,
			SubnetID: n.SubnetID, SecurityGroups: b.SecurityGroupIDs, Public: b.InternetFacing(),
			Network: b.Network(), AllocationID: n.AllocationID, Address: n.Address,
		})
		if err != nil {
			return nil, err
		}
		if err := s.Plane.Nodes.SetGroups(ctx, b.Account, b.Region, node.InterfaceID, b.SecurityGroupIDs); err != nil {
			return nil, err
		}
		kept[node.InterfaceID] = true
		subnets[i].InterfaceID, subnets[i].PrivateIP, subnets[i].PublicIP = node.InterfaceID, node.PrivateIP, node.PublicIP
	}
	if err := s.removeNodes(ctx, b, kept); err != nil {
		return nil, err
	}
	if slices.Equal(subnets, b.Subnets) {
		return b, nil
	}
	made := *b
	made.Subnets = subnets
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		state.LoadBalancers.Update(tx, b.Key(), func(now *state.LoadBalancer) {
			for i, n := range now.Subnets { // the subnets may have changed meanwhile
				if at := slices.IndexFunc(subnets, func(m state.LoadBalancerSubnet) bool { return m.SubnetID == n.SubnetID }); at >= 0 {
					now.Subnets = slices.Clone(now.Subnets)
					now.Subnets[i] = subnets[at]
				}
			}
		})
		return nil
	})
	if err == nil {
		s.renamed()
	}
	return &made, err
}

func (s *Service) renamed() {
	if s.Plane.Renamed != nil {
		s.Plane.Renamed()
	}
}

// removeNodes takes a load balancer's interfaces away but for those to keep.
func (s *Service) removeNodes(ctx context.Context, b *state.LoadBalancer, keep map[string]bool) error {
	for n := range state.NetworkInterfaces.By(s.DB.Read(), "vpc", state.Key(b.Account, b.Region, b.VpcID)) {
		if n.Owner == b.Path && !keep[n.ID] {
			if err := s.Plane.Nodes.RemoveNode(ctx, n.Account, n.Region, n.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// activate says that a load balancer carries traffic.
func (s *Service) activate(ctx context.Context, b *state.LoadBalancer) error {
	if b.Status != state.LoadBalancerProvisioning {
		return nil
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		state.LoadBalancers.Update(tx, b.Key(), func(b *state.LoadBalancer) {
			if b.Status == state.LoadBalancerProvisioning {
				b.Status = state.LoadBalancerActive
			}
		})
		return nil
	})
}

// remove ends a load balancer that is being deleted.
func (s *Service) remove(ctx context.Context, b *state.LoadBalancer) error {
	if err := s.removeNodes(ctx, b, nil); err != nil {
		return err
	}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		state.LoadBalancers.Delete(tx, b.Key())
		return nil
	})
	s.renamed()
	return err
}

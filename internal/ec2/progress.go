package ec2

import (
	"context"
	"sync"
	"time"
)

// settleTime is for how long an API call waits for the data plane to follow, so
// that what it answered is in force when the caller goes on.
const settleTime = 500 * time.Millisecond

// progress knows how far the data plane follows each VPC's records.
type progress struct {
	mu      sync.Mutex
	running bool
	vpcs    map[string]*vpcProgress
	present map[string]bool // VPCs that are on the host, by key
}

// vpcProgress counts changes: those up to done are in force, and the last
// attempt, which covered those up to tried, ended with err.
type vpcProgress struct {
	wanted, tried, done uint64
	err                 error
	wake                chan struct{} // closed after each attempt
}

func (p *progress) of(key string) *vpcProgress {
	if p.vpcs == nil {
		p.vpcs = map[string]*vpcProgress{}
	}
	v := p.vpcs[key]
	if v == nil {
		v = &vpcProgress{wake: make(chan struct{})}
		p.vpcs[key] = v
	}
	return v
}

func (p *progress) setRunning(running bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = running
}

func (p *progress) isRunning() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running
}

// changed notes a change of a VPC's records and sets the loop to work; the
// result is for settle.
func (s *Service) changed(key string) uint64 {
	s.mu.Lock()
	v := s.of(key)
	v.wanted++
	change := v.wanted
	s.mu.Unlock()
	s.loop.Add(key)
	return change
}

// begin returns the changes that the attempt which begins now will cover.
func (p *progress) begin(key string) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.of(key).wanted
}

func (p *progress) finish(key string, turn uint64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.of(key)
	v.tried, v.err = turn, err
	if err == nil {
		v.done = turn
	}
	close(v.wake)
	v.wake = make(chan struct{})
}

// forget drops what is known of a VPC that no longer exists.
func (p *progress) forget(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v := p.vpcs[key]; v != nil && v.done == v.wanted {
		delete(p.vpcs, key)
	}
}

// settle waits until a change of a VPC is in force. It returns the error of the
// first attempt that covered it, or ctx's.
func (p *progress) settle(ctx context.Context, key string, change uint64) error {
	for {
		p.mu.Lock()
		v := p.vpcs[key]
		if v == nil { // forgotten: the VPC is gone
			p.mu.Unlock()
			return nil
		}
		done, tried, err, wake := v.done >= change, v.tried >= change, v.err, v.wake
		p.mu.Unlock()
		switch {
		case done:
			return nil
		case tried && err != nil:
			return err
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

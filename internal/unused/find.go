package unused

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Finding is one thing that was never used.
type Finding struct {
	Kind  Kind
	ID    string    // what it is: vpce-..., sgr-..., a role's name
	Name  string    // what people call it
	What  string    // what was not seen, one sentence
	Since time.Time // when it was made; zero when that is not known
	Fix   []decision.Fix
}

// Kind is the kind of a finding.
type Kind string

// The kinds, in the order in which they are told.
const (
	Endpoint   Kind = "endpoint"
	NAT        Kind = "NAT gateway"
	Rule       Kind = "security group rule"
	Role       Kind = "role"
	Permission Kind = "permission"
	Secret     Kind = "secret"
)

var kinds = []Kind{Endpoint, NAT, Rule, Role, Permission, Secret}

// Finder finds what is unused. All fields must be set.
type Finder struct {
	DB        *store.DB
	Collector *Collector
	Access    *access.Authorizer
}

// search is a search through one account and region.
type search struct {
	tx              *store.Tx
	access          *access.Authorizer
	account, region string
	all             []Finding
}

// Find lists what was never used, up to this moment. With a stack's name it
// lists only what that stack and the stacks in it made.
func (f *Finder) Find(ctx context.Context, account, region, stack string) ([]Finding, error) {
	if err := f.Collector.Collect(ctx); err != nil {
		return nil, err
	}
	s := &search{tx: f.DB.Read(), access: f.Access, account: account, region: region}
	s.endpoints()
	s.nats()
	s.rules()
	s.roles()
	s.secrets()
	if stack != "" {
		s.all = slices.DeleteFunc(s.all, func(f Finding) bool { return !s.within(f, stack) })
	}
	slices.SortStableFunc(s.all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return s.all, nil
}

func (s *search) key(id string) string { return state.Key(s.account, s.region, id) }
func (s *search) prefix() string       { return state.Prefix(s.account, s.region) }

func (s *search) used(id string) bool {
	_, ok := state.NetworkUses.Get(s.tx, s.key(id))
	return ok
}

// add notes a finding. The resource is the physical id in a stack of what would
// have to go; with a way to delete it by the CLI.
func (s *search) add(f Finding, resource, cli string) {
	if r := s.resource(resource); r != nil {
		f.Fix = append(f.Fix, decision.Fix{Lang: "cloudformation", Target: "stack " + stackName(r.StackID), Text: removal(f, r)})
		f.Name = cmp.Or(f.Name, r.LogicalID)
	}
	f.Fix = append(f.Fix, decision.Fix{Lang: "cli", Text: cli})
	s.all = append(s.all, f)
}

// removal is what to take out of a template.
func removal(f Finding, r *state.StackResource) string {
	switch f.Kind {
	case Rule:
		if !strings.HasPrefix(r.Live.Type, "AWS::EC2::SecurityGroup") || r.Live.Type == "AWS::EC2::SecurityGroup" {
			return fmt.Sprintf("# in %s, remove the rule: %s", r.LogicalID, f.Name)
		}
	case Permission:
		return fmt.Sprintf("# in %s, remove the action: %s", r.LogicalID, f.Name)
	}
	return fmt.Sprintf("# remove:\n%s:\n  Type: %s", r.LogicalID, r.Live.Type)
}

func (s *search) resource(id string) *state.StackResource {
	for r := range state.StackResources.By(s.tx, "physical", s.key(id)) {
		return r
	}
	return nil
}

// within reports whether a finding belongs to a stack or to one in it.
func (s *search) within(f Finding, stack string) bool {
	for _, fix := range f.Fix {
		if name, ok := strings.CutPrefix(fix.Target, "stack "); ok && (name == stack || strings.HasPrefix(name, stack+"-")) {
			return true
		}
	}
	return false
}

func stackName(id string) string {
	parts := strings.Split(id, "/")
	if len(parts) < 2 {
		return id
	}
	return parts[1]
}

package route53

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/dns"
	"github.com/neargate/neargate/internal/healthcheck"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Options are what the service needs.
type Options struct {
	DB      *store.DB
	Changed func()           // called after every change: resolvers look again
	Now     func() time.Time // time.Now but in tests

	// Checkers are the places from which endpoints are checked; Dial connects from one,
	// and Resolve looks a name up as anybody on the internet does.
	Checkers []Checker
	Dial     func(ctx context.Context, region string, to netip.AddrPort) (net.Conn, error)
	Resolve  func(ctx context.Context, name string) (netip.Addr, error)
	Hurry    bool         // ask ten times as often as health checks say
	Log      *slog.Logger // nil discards
}

// Checker is a place from which endpoints are checked, with the address that they see.
type Checker struct {
	Region string
	Addr   netip.Addr
}

// Service is Route 53. Its methods are the generated API.
type Service struct {
	Options
	checks *healthcheck.Checkers
	wake   chan struct{} // health checks have changed
}

var _ route53api.API = (*Service)(nil)

// New returns the service.
func New(o Options) *Service {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{Options: o}
	s.init()
	return s
}

// changesKept is how many changes of an account GetChange still knows.
const changesKept = 500

// change carries out a change of zones in one transaction and records it.
func (s *Service) change(ctx context.Context, comment string, do func(tx *store.Tx) error) (*route53api.ChangeInfo, error) {
	id := caller.From(ctx)
	c := &state.ZoneChange{Account: id.Account, ID: "C" + ids.Upper(20), SubmittedAt: s.Now().UTC().Truncate(time.Millisecond), Comment: comment}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := do(tx); err != nil {
			return err
		}
		forget(tx, id.Account)
		state.ZoneChanges.Put(tx, c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.Changed()
	return changeInfo(c), nil
}

// forget drops the oldest half of the changes of an account when they are many.
func forget(tx *store.Tx, account string) {
	all := slices.Collect(state.ZoneChanges.All(tx, account+"/"))
	if len(all) < changesKept {
		return
	}
	slices.SortFunc(all, func(a, b *state.ZoneChange) int { return a.SubmittedAt.Compare(b.SubmittedAt) })
	for _, c := range all[:len(all)/2] {
		state.ZoneChanges.Delete(tx, c.Key())
	}
}

func changeInfo(c *state.ZoneChange) *route53api.ChangeInfo {
	return &route53api.ChangeInfo{Id: "/change/" + c.ID, Status: route53api.ChangeStatusInsync, SubmittedAt: c.SubmittedAt, Comment: c.Comment}
}

// GetChange tells how far a change is: it is in force since it was accepted.
func (s *Service) GetChange(ctx context.Context, in *route53api.GetChangeRequest) (*route53api.GetChangeResponse, error) {
	id := bare(in.Id)
	c, ok := state.ZoneChanges.Get(s.DB.Read(), caller.From(ctx).Account+"/"+id)
	if !ok {
		return nil, &route53api.NoSuchChange{Message: "Could not find resource with ID: " + id}
	}
	return &route53api.GetChangeResponse{ChangeInfo: changeInfo(c)}, nil
}

// bare is an id without the path that Route 53 puts before it in answers.
func bare(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

// zone finds a hosted zone of the caller.
func zone(ctx context.Context, tx *store.Tx, id string) (*state.HostedZone, error) {
	if z, ok := state.HostedZones.Get(tx, state.HostedZoneKey(caller.From(ctx).Account, bare(id))); ok {
		return z, nil
	}
	return nil, &route53api.NoSuchHostedZone{Message: "No hosted zone found with ID: " + bare(id)}
}

// cloudMap is the service that makes zones for its namespaces.
const cloudMap = "servicediscovery.amazonaws.com"

// ownZone finds a hosted zone that the caller may change: one of Cloud Map's is
// changed through Cloud Map only.
func ownZone(ctx context.Context, tx *store.Tx, id string) (*state.HostedZone, error) {
	z, err := zone(ctx, tx, id)
	if err != nil || z.LinkedService == "" {
		return z, err
	}
	if who := caller.From(ctx); who.ViaService != z.LinkedService && !who.Is(z.LinkedService) {
		return nil, wire.NewError("AccessDenied", 403, "The resource hostedzone/%s can only be managed through %s (%s)", z.ID, z.LinkedService, z.LinkedTo)
	}
	return z, nil
}

func invalid(message string) error { return &route53api.InvalidInput{Message: message} }

// refused names what is not carried out.
func refused(what string) error { return invalid("Neargate does not carry out " + what + ".") }

// normal is a domain name as Route 53 keeps it.
func normal(name string) string { return dns.Normal(name) }

// validName reports whether a normal name can be a domain name.
func validName(name string) bool {
	if len(name) > 255 || name == "." {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if label == "" || len(strings.ReplaceAll(label, `\052`, "*")) > 63 {
			return false
		}
	}
	return true
}

// items is how many items an answer may have.
func items(asked string, most int) (int, error) {
	if asked == "" {
		return most, nil
	}
	n, err := strconv.Atoi(asked)
	if err != nil || n < 1 {
		return 0, invalid("MaxItems must be a positive number")
	}
	return min(n, most), nil
}

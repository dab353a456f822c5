package route53

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/dns"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const (
	maxChanges = 1000  // record sets in a request
	maxSets    = 10000 // record sets in a zone
)

// ChangeResourceRecordSets changes record sets: all of a batch, or none.
// https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
func (s *Service) ChangeResourceRecordSets(ctx context.Context, in *route53api.ChangeResourceRecordSetsRequest) (*route53api.ChangeResourceRecordSetsResponse, error) {
	if len(in.ChangeBatch.Changes) > maxChanges {
		return nil, batchError([]string{fmt.Sprintf("Number of records limit of %d exceeded.", maxChanges)})
	}
	info, err := s.change(ctx, in.ChangeBatch.Comment, func(tx *store.Tx) error {
		z, err := ownZone(ctx, tx, in.HostedZoneId)
		if err != nil {
			return err
		}
		b := &batch{tx: tx, zone: z}
		for _, c := range in.ChangeBatch.Changes {
			r, why, err := b.read(c.Action, c.ResourceRecordSet)
			if err != nil {
				return err
			}
			if why == "" {
				why = b.carryOut(string(c.Action), r)
			}
			if why != "" {
				b.faults = append(b.faults, why)
			}
		}
		b.check()
		if b.faults != nil {
			return batchError(b.faults)
		}
		return nil
	})
	return &route53api.ChangeResourceRecordSetsResponse{ChangeInfo: info}, err
}

func batchError(faults []string) error {
	return &route53api.InvalidChangeBatch{Message: "[" + strings.Join(faults, ", ") + "]"}
}

// batch is a list of changes on their way, in a transaction that ends with them.
type batch struct {
	tx      *store.Tx
	zone    *state.HostedZone
	changed []*state.RecordSet // that were made or replaced
	faults  []string
}

// read makes a record of a record set; why says what is wrong with it.
func (b *batch) read(action route53api.ChangeAction, in *route53api.ResourceRecordSet) (r *state.RecordSet, why string, err error) {
	r = &state.RecordSet{ZoneID: b.zone.ID, Name: normal(in.Name), Type: string(in.Type), SetIdentifier: in.SetIdentifier, HealthCheckID: in.HealthCheckId}
	if in.HealthCheckId != "" && action != route53api.ChangeActionDelete {
		if _, ok := state.DNSHealthChecks.Get(b.tx, state.DNSHealthCheckKey(b.zone.Account, in.HealthCheckId)); !ok {
			return nil, "", &route53api.NoSuchHealthCheck{Message: "A health check with id " + in.HealthCheckId + " does not exist."}
		}
	}
	if err := setPolicy(r, in); err != nil {
		return nil, "", err
	}
	if in.TTL != nil {
		r.TTL = *in.TTL
	}
	for _, v := range in.ResourceRecords {
		r.Values = append(r.Values, v.Value)
	}
	if a := in.AliasTarget; a != nil {
		r.Alias = &state.RecordAlias{HostedZoneID: bare(a.HostedZoneId), DNSName: normal(a.DNSName), EvaluateTargetHealth: a.EvaluateTargetHealth}
	}
	switch {
	case !validName(r.Name):
		why = fmt.Sprintf("FATAL problem: DomainLabelEmpty (Domain label is empty) encountered with '%s'", in.Name)
	case !within(b.zone, r.Name):
		why = fmt.Sprintf("RRSet with DNS name %s is not permitted in zone %s", r.Name, b.zone.Name)
	case r.Alias == nil && len(r.Values) == 0 && in.TTL == nil:
		why = fmt.Sprintf("Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found none in Change with [Action=..., Name=%s, Type=%s, SetIdentifier=%s]", r.Name, r.Type, or(r.SetIdentifier, "null"))
	case r.Alias == nil && (len(r.Values) == 0 || in.TTL == nil):
		why = fmt.Sprintf("Invalid request: Missing field 'TTL' or 'ResourceRecords' in Change with [Name=%s, Type=%s, SetIdentifier=%s]", r.Name, r.Type, or(r.SetIdentifier, "null"))
	case r.Alias != nil && (len(r.Values) > 0 || in.TTL != nil):
		why = fmt.Sprintf("Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found more than one in Change with [Name=%s, Type=%s, SetIdentifier=%s]", r.Name, r.Type, or(r.SetIdentifier, "null"))
	default:
		if why = policyFault(r); why == "" {
			why = valuesFault(b.zone, r)
		}
	}
	return r, why, nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// valuesFault says what is wrong with the values of a record set.
func valuesFault(z *state.HostedZone, r *state.RecordSet) string {
	if slices.Contains([]string{"CNAME", "SOA"}, r.Type) && len(r.Values) > 1 {
		return fmt.Sprintf("Only one value is permitted in the %s record set with DNS name %s", r.Type, r.Name)
	}
	if r.Type == "CNAME" && r.Name == z.Name {
		return fmt.Sprintf("RRSet of type CNAME with DNS name %s is not permitted at apex in zone %s", r.Name, z.Name)
	}
	if r.Alias != nil && !slices.Contains([]string{"A", "AAAA", "CNAME", "TXT", "MX", "SRV", "CAA", "SPF", "PTR"}, r.Type) {
		return fmt.Sprintf("Record sets of type %s cannot be aliases", r.Type)
	}
	for i, v := range r.Values {
		if slices.Contains(r.Values[:i], v) {
			return fmt.Sprintf("Duplicate Resource Record: '%s'", v)
		}
		if problem := badValue(r, v); problem != "" {
			return fmt.Sprintf("Invalid Resource Record: '%s'", problem)
		}
	}
	return ""
}

// badValue words what is wrong with a value as Route 53 does.
func badValue(r *state.RecordSet, v string) string {
	a, err := netip.ParseAddr(v)
	switch {
	case r.Type == "A" && (err != nil || !a.Is4()):
		return "FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with '" + v + "'"
	case r.Type == "AAAA" && (err != nil || !a.Is6()):
		return "FATAL problem: AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address) encountered with '" + v + "'"
	case (r.Type == "TXT" || r.Type == "SPF") && !strings.HasPrefix(v, `"`):
		return "FATAL problem: InvalidCharacterString (Value should be enclosed in quotation marks) encountered with '" + v + "'"
	}
	if _, err := dns.ParseRecord(r.Name, r.Type, 0, v); err != nil {
		return fmt.Sprintf("FATAL problem: InvalidResourceRecord (Value is not valid for the type %s) encountered with '%s'", r.Type, v)
	}
	return ""
}

// carryOut does one change and says why it cannot be done.
func (b *batch) carryOut(action string, r *state.RecordSet) string {
	old, exists := state.RecordSets.Get(b.tx, r.Key())
	what := fmt.Sprintf("[name='%s', type='%s'%s]", r.Name, r.Type, identifier(r))
	switch {
	case action == "CREATE" && exists:
		return fmt.Sprintf("Tried to create resource record set %s but it already exists", what)
	case action == "DELETE" && !exists:
		return fmt.Sprintf("Tried to delete resource record set %s but it was not found", what)
	case action == "DELETE" && !same(old, r):
		return fmt.Sprintf("Tried to delete resource record set %s but the values provided do not match the current values", what)
	case action == "DELETE" && own(b.zone, r.Name, r.Type):
		return fmt.Sprintf("A HostedZone must contain at least one NS record for the zone itself, and exactly one SOA record for the zone itself: %s", what)
	case action == "DELETE":
		state.RecordSets.Delete(b.tx, r.Key())
	default:
		state.RecordSets.Put(b.tx, r)
		b.changed = append(b.changed, r)
	}
	return ""
}

func identifier(r *state.RecordSet) string {
	if r.SetIdentifier == "" {
		return ""
	}
	return ", set-identifier='" + r.SetIdentifier + "'"
}

// same reports whether two record sets say the same; values may be in any order.
func same(a, b *state.RecordSet) bool {
	return a.MultiValue == b.MultiValue && a.Failover == b.Failover && a.Region == b.Region && a.HealthCheckID == b.HealthCheckID && a.TTL == b.TTL &&
		equal(a.Alias, b.Alias) && equal(a.Weight, b.Weight) && equal(a.Geo, b.Geo) && equal(a.Proximity, b.Proximity) &&
		slices.Equal(slices.Sorted(slices.Values(a.Values)), slices.Sorted(slices.Values(b.Values)))
}

func equal[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

// check looks at the whole after all changes: at what may not stand beside each
// other, and at the targets of aliases.
func (b *batch) check() {
	count := 0
	for range state.RecordSets.All(b.tx, b.zone.ID+"/") {
		count++
	}
	if count > maxSets {
		b.faults = append(b.faults, fmt.Sprintf("Number of records limit of %d exceeded.", maxSets))
	}
	for _, r := range b.changed {
		prefix, _, _ := strings.Cut(state.RecordSetKey(r.ZoneID, r.Name, "", ""), "\x01")
	others:
		for other := range state.RecordSets.All(b.tx, prefix+"\x01") {
			switch {
			case (r.Type == "CNAME") != (other.Type == "CNAME"):
				b.faults = append(b.faults, fmt.Sprintf("RRSet of type %s with DNS name %s is not permitted because a conflicting RRSet of type %s with the same DNS name already exists in zone %s", r.Type, r.Name, other.Type, b.zone.Name))
			case r.Type == other.Type && r.Key() != other.Key():
				if why := conflict(r, other); why != "" {
					b.faults = append(b.faults, why)
					break others
				}
			}
		}
		if why := b.badAlias(r); why != "" {
			b.faults = append(b.faults, why)
		}
	}
}

// badAlias says why an alias cannot be: its target is neither a record of the
// zone nor a load balancer or an endpoint that is here.
func (b *batch) badAlias(r *state.RecordSet) string {
	if r.Alias == nil {
		return ""
	}
	target := r.Alias.DNSName
	if r.Alias.HostedZoneID == b.zone.ID {
		if !within(b.zone, target) {
			return fmt.Sprintf("Tried to create an alias that targets %s, type %s in zone %s, but the alias target name does not lie within the target zone", target, r.Type, b.zone.ID)
		}
		prefix, _, _ := strings.Cut(state.RecordSetKey(b.zone.ID, target, "", ""), "\x01")
		for other := range state.RecordSets.All(b.tx, prefix+"\x01"+r.Type+"\x01") {
			if other.Key() != r.Key() {
				return ""
			}
		}
		return fmt.Sprintf("Tried to create an alias that targets %s, type %s in zone %s, but that target was not found", target, r.Type, b.zone.ID)
	}
	if r.Type != "A" && r.Type != "AAAA" {
		return fmt.Sprintf("Tried to create an alias that targets %s, type %s in zone %s, but the alias target name does not lie within the target zone", target, r.Type, r.Alias.HostedZoneID)
	}
	if dns.IsAliasTarget(strings.TrimSuffix(target, ".")) {
		return ""
	}
	return fmt.Sprintf("Tried to create an alias that targets %s, type %s in zone %s, but Neargate has aliases to load balancers, VPC endpoints and records of the same zone only", target, r.Type, r.Alias.HostedZoneID)
}

// Package flowlog writes VPC flow logs: who spoke with whom through a network
// interface, and whether that was accepted, into log groups of CloudWatch Logs
// or files in S3.
//
// What was accepted comes from the kernel's connection tracking with its counts;
// what was rejected from packets that security groups and network ACLs dropped and
// the kernel reported, of which a busy filter shows some only. Lines are in AWS's
// format, the default one or a custom one, and are delivered with the flow log's role, files as
// delivery.logs.amazonaws.com, whom the bucket's policy must let in.
package flowlog

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// DefaultFormat is AWS's format of a flow log without one of its own.
const DefaultFormat = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"

// Record is the traffic of one interface in one direction of one flow.
type Record struct {
	Account, Region        string
	Interface, Subnet, VPC string
	Zone                   string // id of the availability zone
	Source, Target         netip.AddrPort
	Protocol               int
	Packets, Bytes         uint64
	Start, End             time.Time
	Egress                 bool
	Rejected               bool
}

// fields are the fields that a format may have; those of instances, Outposts and
// services are "-", as AWS writes what does not apply.
var fields = map[string]func(Record) string{
	"version": func(Record) string { return "2" }, "account-id": func(r Record) string { return r.Account }, "interface-id": func(r Record) string { return r.Interface },
	"srcaddr": func(r Record) string { return r.Source.Addr().String() }, "dstaddr": func(r Record) string { return r.Target.Addr().String() },
	"pkt-srcaddr": func(r Record) string { return r.Source.Addr().String() }, "pkt-dstaddr": func(r Record) string { return r.Target.Addr().String() },
	"srcport": func(r Record) string { return port(r.Source) }, "dstport": func(r Record) string { return port(r.Target) },
	"protocol": func(r Record) string { return strconv.Itoa(r.Protocol) }, "packets": func(r Record) string { return count(r.Packets) }, "bytes": func(r Record) string { return count(r.Bytes) },
	"start": func(r Record) string { return seconds(r.Start) }, "end": func(r Record) string { return seconds(r.End) },
	"action": func(r Record) string { return r.Action() }, "log-status": func(Record) string { return "OK" },
	"vpc-id": func(r Record) string { return r.VPC }, "subnet-id": func(r Record) string { return r.Subnet }, "region": func(r Record) string { return r.Region },
	"az-id": func(r Record) string { return r.Zone }, "type": family,
	"flow-direction": func(r Record) string {
		if r.Egress {
			return "egress"
		}
		return "ingress"
	},
	"instance-id": none, "sublocation-type": none, "sublocation-id": none, "pkt-src-aws-service": none, "pkt-dst-aws-service": none, "reject-reason": none,
}

// family is the kind of a record's addresses.
func family(r Record) string {
	if r.Source.Addr().Is6() {
		return "IPv6"
	}
	return "IPv4"
}

func none(Record) string           { return "-" }
func port(a netip.AddrPort) string { return strconv.Itoa(int(a.Port())) }
func count(n uint64) string        { return strconv.FormatUint(n, 10) }
func seconds(t time.Time) string   { return strconv.FormatInt(t.Unix(), 10) }
func unbrace(field string) string  { return strings.TrimSuffix(strings.TrimPrefix(field, "${"), "}") }
func split(format string) []string { return strings.Fields(format) }
func braced(field string) bool {
	return strings.HasPrefix(field, "${") && strings.HasSuffix(field, "}")
}
func unknown(field string) error { return fmt.Errorf("unknown field %s", field) }

// Action is ACCEPT or REJECT.
func (r Record) Action() string {
	if r.Rejected {
		return "REJECT"
	}
	return "ACCEPT"
}

// Check says which field of a format is not known.
func Check(format string) error {
	for _, f := range split(format) {
		if !braced(f) || fields[unbrace(f)] == nil {
			return unknown(f)
		}
	}
	return nil
}

// Line is the record in a format, "" for the default one.
func (r Record) Line(format string) string {
	if format == "" {
		format = DefaultFormat
	}
	words := split(format)
	for i, f := range words {
		words[i] = fields[unbrace(f)](r)
	}
	return strings.Join(words, " ")
}

package network

import (
	"context"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// HealthChecker is a place from which Route 53 checks endpoints.
type HealthChecker struct {
	Region string
	Addr   netip.Addr // as which it comes into VPCs: security groups see it
}

// HealthCheckers are the places from which Route 53 checks endpoints, with an
// address out of the ranges that AWS publishes for each.
var HealthCheckers = []HealthChecker{
	{"us-east-1", netip.MustParseAddr("54.243.31.193")},
	{"us-west-1", netip.MustParseAddr("54.183.255.129")},
	{"us-west-2", netip.MustParseAddr("54.244.52.193")},
	{"eu-west-1", netip.MustParseAddr("54.228.16.1")},
	{"ap-southeast-1", netip.MustParseAddr("54.251.31.129")},
	{"ap-southeast-2", netip.MustParseAddr("54.252.79.129")},
	{"ap-northeast-1", netip.MustParseAddr("54.248.220.1")},
	{"sa-east-1", netip.MustParseAddr("54.232.40.65")},
}

// checkerMark is what sockets of the first checker are marked with; those of the
// others follow.
const checkerMark = 0x4e470100

// checkerRules give the calls of health checkers their sources. Who else calls from
// this machine is HostClient.
func checkerRules(ours string) []FilterRule {
	var rules []FilterRule
	for i, c := range HealthCheckers {
		rules = append(rules, FilterRule{Match: []Match{OutLink(ours), PacketMark(checkerMark + i)}, Verdict: Verdict{SourceTo, c.Addr.String()}})
	}
	return rules
}

// DialAsChecker connects from this machine as a health checker of a region does:
// through the internet gateway of a public address, whose security groups see the
// checker's address. Calls by IPv6 come as HostClient6.
func DialAsChecker(ctx context.Context, region, address string) (net.Conn, error) {
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		for i, checker := range HealthCheckers {
			if checker.Region != region {
				continue
			}
			if failed := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK, checkerMark+i) }); failed != nil {
				return failed
			}
		}
		return err
	}}
	return d.DialContext(ctx, "tcp", address)
}

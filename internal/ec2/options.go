package ec2

import (
	"net/netip"
	"time"

	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/dns"
	"github.com/neargate/neargate/internal/network"
)

// Options are what an instance of Neargate decides about its networks.
type Options struct {
	// Site has the ranges that no VPC may have.
	Site network.Site
	// Services and S3 are where AWS's public names have their addresses, as in
	// dns.Zone; S3's is its prefix list.
	Services, S3 netip.Prefix
	// Addresses is the range of public addresses: elastic ones and those of
	// tasks with a public IP.
	Addresses netip.Prefix
	// Stands tells which further public names Neargate answers for, as in dns.Zone;
	// nil for none. Call Refresh when its answer changes.
	Stands func() []string
	// Buckets is S3, for flow logs that are written there; nil for none.
	Buckets s3api.API
	// Now is the clock; nil for time.Now.
	Now func() time.Time
}

// Divide makes Options with the parts into which a site divides the range of
// AWS's public addresses.
func Divide(site network.Site) Options {
	return Options{Site: site, Services: site.Services(), S3: site.S3(), Addresses: site.PublicIPs()}
}

// zone is the public part of every zone of a region.
func (o *Options) zone(region string) dns.Zone {
	zone := dns.Zone{Region: region, Services: o.Services, S3: o.S3}
	if o.Stands != nil {
		zone.Stands = o.Stands()
	}
	return zone
}

// gatewayPrefixes are the public addresses of the services that have gateway
// endpoints, in a region.
func (o *Options) gatewayPrefixes(region string) map[string][]netip.Prefix {
	prefixes := map[string][]netip.Prefix{}
	if o.S3.IsValid() {
		prefixes["s3"] = []netip.Prefix{o.S3}
	}
	if a, ok := o.zone(region).PublicAddr("dynamodb." + region + ".amazonaws.com"); ok {
		prefixes["dynamodb"] = []netip.Prefix{netip.PrefixFrom(a, 32)}
	}
	return prefixes
}

package loadbalancer

import (
	"crypto/tls"
	"fmt"
	"slices"
)

// DefaultPolicy is the security policy of listeners that name none.
const DefaultPolicy = "ELBSecurityPolicy-2016-08"

// Policy is a security policy: which versions of TLS and which suites a listener
// takes. Suites that Go does not have are listed, as AWS lists them, but never used.
type Policy struct {
	Name      string
	Protocols []string // TLSv1.2, TLSv1.3 ..., as AWS orders them
	Ciphers   []string // OpenSSL's names
}

// Groups of suites, in AWS's order.
var (
	suites13     = []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
	suitesGCM    = []string{"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"}
	suitesSHA2   = []string{"ECDHE-ECDSA-AES128-SHA256", "ECDHE-RSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-RSA-AES256-SHA384"}
	suitesSHA1   = []string{"ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA", "ECDHE-ECDSA-AES256-SHA"}
	suitesRSA    = []string{"AES128-GCM-SHA256", "AES128-SHA256", "AES256-GCM-SHA384", "AES256-SHA256"}
	suitesRSA1   = []string{"AES128-SHA", "AES256-SHA"}
	suites3DES   = []string{"DES-CBC3-SHA"}
	forward      = slices.Concat(suitesGCM, suitesSHA2)
	forwardAll   = slices.Concat(forward, suitesSHA1)
	withoutSHA1  = slices.Concat(forward, suitesRSA)
	everything   = slices.Concat(forwardAll, suitesRSA, suitesRSA1)
	protocolsOld = []string{"TLSv1", "TLSv1.1", "TLSv1.2"}
)

// Policies are all that listeners may name.
var Policies = []Policy{
	{"ELBSecurityPolicy-TLS13-1-3-2021-06", []string{"TLSv1.3"}, suites13},
	{"ELBSecurityPolicy-TLS13-1-2-2021-06", protocolsOf("TLSv1.2"), with13(forward)},
	{"ELBSecurityPolicy-TLS13-1-2-Res-2021-06", protocolsOf("TLSv1.2"), with13(suitesGCM)},
	{"ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06", protocolsOf("TLSv1.2"), with13(withoutSHA1)},
	{"ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06", protocolsOf("TLSv1.2"), with13(everything)},
	{"ELBSecurityPolicy-TLS13-1-1-2021-06", protocolsOf("TLSv1.1", "TLSv1.2"), with13(everything)},
	{"ELBSecurityPolicy-TLS13-1-0-2021-06", protocolsOf("TLSv1", "TLSv1.1", "TLSv1.2"), with13(everything)},
	{"ELBSecurityPolicy-TLS13-1-3-PQ-2025-09", []string{"TLSv1.3"}, suites13},
	{"ELBSecurityPolicy-TLS13-1-2-PQ-2025-09", protocolsOf("TLSv1.2"), with13(forward)},
	{"ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09", protocolsOf("TLSv1.2"), with13(suitesGCM)},
	{"ELBSecurityPolicy-TLS13-1-2-Ext1-PQ-2025-09", protocolsOf("TLSv1.2"), with13(withoutSHA1)},
	{"ELBSecurityPolicy-TLS13-1-2-Ext2-PQ-2025-09", protocolsOf("TLSv1.2"), with13(everything)},
	{"ELBSecurityPolicy-2016-08", protocolsOld, everything},
	{"ELBSecurityPolicy-TLS-1-2-2017-01", []string{"TLSv1.2"}, withoutSHA1},
	{"ELBSecurityPolicy-TLS-1-1-2017-01", []string{"TLSv1.1", "TLSv1.2"}, everything},
	{"ELBSecurityPolicy-TLS-1-2-Ext-2018-06", []string{"TLSv1.2"}, everything},
	{"ELBSecurityPolicy-FS-2018-06", protocolsOld, forwardAll},
	{"ELBSecurityPolicy-FS-1-1-2019-08", []string{"TLSv1.1", "TLSv1.2"}, forwardAll},
	{"ELBSecurityPolicy-FS-1-2-2019-08", []string{"TLSv1.2"}, forwardAll},
	{"ELBSecurityPolicy-FS-1-2-Res-2019-08", []string{"TLSv1.2"}, forward},
	{"ELBSecurityPolicy-FS-1-2-Res-2020-10", []string{"TLSv1.2"}, suitesGCM},
	{"ELBSecurityPolicy-2015-05", protocolsOld, everything},
	{"ELBSecurityPolicy-TLS-1-0-2015-04", protocolsOld, slices.Concat(everything, suites3DES)},
}

func protocolsOf(older ...string) []string { return append(older, "TLSv1.3") }
func with13(suites []string) []string      { return slices.Concat(suites13, suites) }

// goSuites are OpenSSL's names of the suites that Go has.
var goSuites = map[string]uint16{
	"TLS_AES_128_GCM_SHA256": tls.TLS_AES_128_GCM_SHA256, "TLS_AES_256_GCM_SHA384": tls.TLS_AES_256_GCM_SHA384,
	"TLS_CHACHA20_POLY1305_SHA256":  tls.TLS_CHACHA20_POLY1305_SHA256,
	"ECDHE-ECDSA-AES128-GCM-SHA256": tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "ECDHE-RSA-AES128-GCM-SHA256": tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	"ECDHE-ECDSA-AES256-GCM-SHA384": tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "ECDHE-RSA-AES256-GCM-SHA384": tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	"ECDHE-ECDSA-AES128-SHA256": tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, "ECDHE-RSA-AES128-SHA256": tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
	"ECDHE-ECDSA-AES128-SHA": tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, "ECDHE-RSA-AES128-SHA": tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
	"ECDHE-ECDSA-AES256-SHA": tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, "ECDHE-RSA-AES256-SHA": tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
	"AES128-GCM-SHA256": tls.TLS_RSA_WITH_AES_128_GCM_SHA256, "AES256-GCM-SHA384": tls.TLS_RSA_WITH_AES_256_GCM_SHA384,
	"AES128-SHA256": tls.TLS_RSA_WITH_AES_128_CBC_SHA256, "AES128-SHA": tls.TLS_RSA_WITH_AES_128_CBC_SHA, "AES256-SHA": tls.TLS_RSA_WITH_AES_256_CBC_SHA,
	"DES-CBC3-SHA": tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA,
}

var goVersions = map[string]uint16{"TLSv1": tls.VersionTLS10, "TLSv1.1": tls.VersionTLS11, "TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}

// versionsAndSuites is a policy in Go's terms.
type versionsAndSuites struct {
	min, max uint16
	suites   []uint16
}

func policyOf(name string) (versionsAndSuites, error) {
	if name == "" {
		name = DefaultPolicy
	}
	i := slices.IndexFunc(Policies, func(p Policy) bool { return p.Name == name })
	if i < 0 {
		return versionsAndSuites{}, fmt.Errorf("the security policy %s is not carried out", name)
	}
	p := Policies[i]
	out := versionsAndSuites{min: goVersions[p.Protocols[0]], max: goVersions[p.Protocols[len(p.Protocols)-1]]}
	for _, c := range p.Ciphers {
		if id, ok := goSuites[c]; ok {
			out.suites = append(out.suites, id)
		}
	}
	return out, nil
}

func cipherName(id uint16) string {
	for name, suite := range goSuites {
		if suite == id {
			return name
		}
	}
	return tls.CipherSuiteName(id)
}

func versionName(v uint16) string {
	for name, version := range goVersions {
		if version == v {
			return name
		}
	}
	return ""
}

package acm

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/neargate/neargate/internal/aws/acmapi"
	"github.com/neargate/neargate/internal/state"
)

// validations are the proofs of a requested certificate, all accepted: with DNS
// the record that the owner of the domain would make, with EMAIL the addresses
// that would be written to.
func validations(c *state.Certificate) []acmapi.DomainValidation {
	out := make([]acmapi.DomainValidation, 0, len(c.Names))
	for _, name := range c.Names {
		domain := c.ValidationDomains[name]
		if domain == "" {
			domain = name
		}
		v := acmapi.DomainValidation{
			DomainName: name, ValidationDomain: domain, ValidationMethod: acmapi.ValidationMethod(c.Method), ValidationStatus: acmapi.DomainStatusSuccess,
		}
		if v.ValidationMethod == acmapi.ValidationMethodDns {
			v.ResourceRecord = validationRecord(c.Account, name)
		} else {
			v.ValidationEmails = validationEmails(domain)
		}
		out = append(out, v)
	}
	return out
}

// validationRecord is the same for all certificates of an account for a name, and
// for a name and its wildcard, as on AWS.
func validationRecord(account, name string) *acmapi.ResourceRecord {
	name = strings.TrimPrefix(name, "*.")
	sum := sha256.Sum256([]byte(account + " " + name))
	text := hex.EncodeToString(sum[:])
	zone := make([]byte, 10)
	for i := range zone {
		zone[i] = 'a' + sum[i]%26
	}
	return &acmapi.ResourceRecord{
		Name: "_" + text[:32] + "." + name + ".", Type: acmapi.RecordTypeCname, Value: "_" + text[32:] + "." + string(zone) + ".acm-validations.aws.",
	}
}

func validationEmails(domain string) []string {
	domain = strings.TrimPrefix(strings.TrimPrefix(domain, "*."), "www.")
	out := []string{}
	for _, who := range []string{"admin", "administrator", "hostmaster", "postmaster", "webmaster"} {
		out = append(out, who+"@"+domain)
	}
	return out
}

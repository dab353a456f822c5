package pki

import (
	"bytes"
	"encoding/pem"
)

// Bundle returns a CA bundle in PEM form with the authority's certificate
// added at its end, once: a bundle that has it is returned as it is. Everything
// else in the bundle, comments included, is kept byte for byte.
func (a *Authority) Bundle(existing []byte) []byte {
	for rest := existing; ; {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		if block.Type == "CERTIFICATE" && bytes.Equal(block.Bytes, a.cert.Raw) {
			return existing
		}
	}
	out := bytes.Clone(existing)
	if len(out) > 0 && out[len(out)-1] != '\n' {
		out = append(out, '\n')
	}
	return append(out, a.pem...)
}

package http1

// Threat is how much a request that strays from the standard is to be feared.
type Threat uint8

// The classes of AWS's desync mitigation.
const (
	Compliant Threat = iota
	Acceptable
	Ambiguous
	Severe
)

// String returns the word of access logs; a compliant request has none.
func (t Threat) String() string {
	return [...]string{"", "Acceptable", "Ambiguous", "Severe"}[t]
}

// threats classes the reasons of access logs.
var threats = map[string]Threat{
	"AmbiguousUri":                       Ambiguous,
	"BadContentLength":                   Severe,
	"BadHeader":                          Severe,
	"BadMethod":                          Severe,
	"BadTransferEncoding":                Severe,
	"BadUri":                             Severe,
	"BadVersion":                         Severe,
	"BothTeClPresent":                    Ambiguous,
	"DuplicateContentLength":             Ambiguous,
	"EmptyHeader":                        Ambiguous,
	"GetHeadZeroContentLength":           Acceptable,
	"MultipleContentLength":              Severe,
	"MultipleTransferEncodingChunked":    Severe,
	"NonCompliantHeader":                 Acceptable,
	"NonCompliantVersion":                Acceptable,
	"SpaceInUri":                         Acceptable,
	"SuspiciousHeader":                   Severe,
	"SuspiciousTeClPresent":              Severe,
	"UndefinedContentLengthSemantics":    Ambiguous,
	"UndefinedTransferEncodingSemantics": Ambiguous,
}

// finding keeps the worst that was found.
type finding struct {
	Threat Threat
	Reason string // AWS's word
}

func (f *finding) note(reason string) {
	if t := threats[reason]; t > f.Threat {
		f.Threat, f.Reason = t, reason
	}
}

// Error is a request that cannot be carried, whatever the mitigation mode: there
// is no way to write it that everybody reads alike.
type Error struct {
	Status int    // what the client is told: 400, 405, 414, 501, 505
	Reason string // classification reason; empty: none of AWS's
	Detail string
}

// Error implements error.
func (e *Error) Error() string { return e.Detail }

// Threat is the class of the reason.
func (e *Error) Threat() Threat { return threats[e.Reason] }

func bad(reason, detail string) *Error { return &Error{Status: 400, Reason: reason, Detail: detail} }

package why

import (
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/network"
)

// evidence is what was seen on the way to a decision and at it, in order and
// each thing once.
func evidence(d decision.Decision, before []decision.Decision) []Seen {
	var out []Seen
	add := func(s Seen) {
		if !slices.ContainsFunc(out, func(o Seen) bool { return o.Text == s.Text }) {
			out = append(out, s)
		}
	}
	for _, b := range before {
		if b.Verdict == decision.Allow {
			add(Seen{Time: b.Time, Text: allowed(b)})
		}
	}
	short, sentences, inferred := split(d.Facts)
	text := string(d.Phase) + " " + verb(d.Verdict)
	if len(short) > 0 {
		text += ": " + strings.Join(short, "; ")
	}
	add(Seen{Time: d.Time, Text: text, Inferred: d.Confidence == decision.Inferred})
	for _, s := range sentences {
		add(Seen{Time: d.Time, Text: s})
	}
	for _, s := range inferred {
		add(Seen{Time: d.Time, Text: s, Inferred: true})
	}
	return out
}

// allowed is one line about a decision that let something pass.
func allowed(d decision.Decision) string {
	if d.Phase != decision.IAM {
		short, _, _ := split(d.Facts)
		return strings.TrimSuffix(string(d.Phase)+" ok: "+strings.Join(short, "; "), ": ")
	}
	text := "allowed"
	for _, f := range d.Facts {
		switch {
		case f.Name == "action":
			text += " " + f.Value
		case f.Name == "resource" && f.Value != "*":
			text += " on " + f.Value
		case f.Name == "endpoint":
			text += ", through " + f.Value
		}
	}
	return text
}

func verb(v decision.Verdict) string {
	switch v {
	case decision.Deny:
		return "denied"
	case decision.Timeout:
		return "timed out"
	case decision.Error:
		return "failed"
	}
	return string(v)
}

// hops are the facts that are whole sentences: the stations of a packet, as they
// follow from what is configured.
var hops = []string{string(network.HopENI), string(network.HopLink), string(network.HopEgress), string(network.HopNACL), string(network.HopRoute), string(network.HopNAT), string(network.HopGateway), string(network.HopPeering),
	string(network.HopEndpoint), string(network.HopTarget), string(network.HopIngress), string(network.HopAWS), string(network.HopInternet)}

// split tells facts that are a word or two, without those that others contain,
// from those that deserve a line, and these by whether they were seen or follow
// from what is configured.
func split(facts []decision.Fact) (short, seen, inferred []string) {
	for _, f := range facts {
		switch {
		case f.Name == "log" || f.Name == "statement" || f.Name == factListening:
			seen = append(seen, f.Name+": "+f.Value)
		case f.Name == factDropped:
			seen = append(seen, f.Value)
		case slices.Contains(hops, f.Name) && strings.Contains(f.Value, " "):
			inferred = append(inferred, f.Value)
		case !slices.ContainsFunc(short, func(s string) bool { return strings.Contains(s, f.Value) }):
			short = append(short, f.Name+" "+f.Value)
		}
	}
	return short, seen, inferred
}

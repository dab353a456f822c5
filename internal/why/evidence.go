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
			add(Seen{b.Time, allowed(b)})
		}
	}
	short, sentences := split(d.Facts)
	text := string(d.Phase) + " " + verb(d.Verdict)
	if len(short) > 0 {
		text += ": " + strings.Join(short, "; ")
	}
	add(Seen{d.Time, text})
	for _, s := range sentences {
		add(Seen{d.Time, s})
	}
	return out
}

// allowed is one line about a decision that let something pass.
func allowed(d decision.Decision) string {
	if d.Phase != decision.IAM {
		short, _ := split(d.Facts)
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

// hops are the facts that are whole sentences: the stations of a packet.
var hops = []string{string(network.HopENI), string(network.HopLink), string(network.HopEgress), string(network.HopRoute), string(network.HopNAT), string(network.HopGateway),
	string(network.HopEndpoint), string(network.HopTarget), string(network.HopIngress), string(network.HopAWS), string(network.HopInternet)}

// split tells facts that are a word or two, without those that others contain,
// from those that deserve a line.
func split(facts []decision.Fact) (short, sentences []string) {
	for _, f := range facts {
		switch {
		case f.Name == "log" || f.Name == "statement":
			sentences = append(sentences, f.Name+": "+f.Value)
		case slices.Contains(hops, f.Name) && strings.Contains(f.Value, " "):
			sentences = append(sentences, f.Value)
		case !slices.ContainsFunc(short, func(s string) bool { return strings.Contains(s, f.Value) }):
			short = append(short, f.Name+" "+f.Value)
		}
	}
	return short, sentences
}

package gateway

import (
	"errors"

	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/decision"
)

// decide records a refusal that nobody further down the chain knows of: of the
// signature or the key, or of an operation that is not carried out.
func (g *Gateway) decide(req *request, stage string, known wire.Error, err error) {
	var explained *decision.Explained
	if errors.As(err, &explained) {
		d := explained.Decision
		d.Region, d.Account, d.AWSMessage = req.identity.Region, req.identity.Account, known.ErrorCode()+": "+known.ErrorMessage()
		g.cfg.Decisions.Record(req.ctx, d)
		return
	}
	d := decision.Decision{
		Region: req.identity.Region, Account: req.identity.Account, Phase: decision.Request, Verdict: decision.Deny, Confidence: decision.Observed,
		Subjects: []string{req.id}, Where: req.name(), AWSMessage: known.ErrorCode() + ": " + known.ErrorMessage(),
		Facts: []decision.Fact{{Name: "operation", Value: req.name()}, {Name: "client", Value: req.r.UserAgent()}},
	}
	switch {
	case stage == "authenticate" && unknownKey[known.ErrorCode()]:
		d.Code, d.Cause = "req.key", "the access key of the request is not known here, or its session has ended"
		d.Fix = []decision.Fix{{Lang: "cli", Text: `eval "$(neargate env)"`}}
	case stage == "authenticate":
		d.Code, d.Cause = "req.signature", "the signature of the request is not valid: "+known.ErrorMessage()
	case stage == "operation":
		d.Code, d.Cause = "req.unsupported", "the operation is not carried out: "+known.ErrorMessage()
	default:
		return
	}
	g.cfg.Decisions.Record(req.ctx, d)
}

// unknownKey are the codes by which services say that a key is not known or not
// good any more.
var unknownKey = map[string]bool{
	"InvalidClientTokenId": true, "UnrecognizedClientException": true, "InvalidAccessKeyId": true, "AuthFailure": true,
	"ExpiredToken": true, "ExpiredTokenException": true, "InvalidToken": true, "RequestExpired": true,
}

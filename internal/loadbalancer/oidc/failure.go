package oidc

// Outcome is what a step of a sign-in is counted as.
type Outcome string

// The outcomes, by the metrics that AWS counts them in.
const (
	Success       Outcome = "ELBAuthSuccess"
	Refreshed     Outcome = "ELBAuthRefreshTokenSuccess"
	Denied        Outcome = "ELBAuthFailure"
	Broken        Outcome = "ELBAuthError"
	ClaimsTooLong Outcome = "ELBAuthUserClaimsSizeExceeded"
)

// Failure is why a sign-in could not be completed.
type Failure struct {
	Status  int     // of the answer: 401, 500 or 561
	Reason  string  // error_reason of access logs
	Outcome Outcome // the metric
	Detail  string  // for our own log; holds nothing secret
}

// Error implements error.
func (f *Failure) Error() string {
	if f.Detail == "" {
		return f.Reason
	}
	return f.Reason + ": " + f.Detail
}

// denied is what the client or the provider's answer to it caused.
func denied(status int, reason, detail string) *Failure {
	return &Failure{Status: status, Reason: reason, Outcome: Denied, Detail: detail}
}

// broken is what kept us from asking the provider.
func broken(status int, reason, detail string) *Failure {
	return &Failure{Status: status, Reason: reason, Outcome: Broken, Detail: detail}
}

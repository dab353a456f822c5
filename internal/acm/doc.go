// Package acm is AWS Certificate Manager. A requested certificate is validated and
// issued at once: the instance's own authority signs it, for any name, so that
// a listener has a certificate that clients which trust the authority accept
// ("neargate trust"). Imported certificates are checked as AWS checks them.
//
// Private keys are sealed under the instance's key and only ever given to the
// load balancers of the same instance (TLS). Certificates that a load balancer
// uses are renewed before they end, by a loop; those that nobody uses are not,
// as on AWS.
//
// Not carried out, and refused by name: private certificate authorities, export
// of keys, certificates managed by CloudFront, HTTP validation, account
// configuration, revocation, search.
package acm

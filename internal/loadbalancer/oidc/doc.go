// Package oidc signs users in as an Application Load Balancer does: an action
// authenticate-oidc sends clients to an identity provider, exchanges the code
// that they come back with for tokens and the user's claims, keeps these in
// cookies that only load balancers can read, and tells targets who the user is
// in a token that it signs.
//
// It makes and reads values: who carries requests and answers is package
// loadbalancer. Client reaches the provider through the dialer that it is given,
// which is a node of the load balancer. Nothing that it returns or logs holds a
// client secret.
package oidc

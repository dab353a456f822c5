// Package gateway is the front door: it takes every AWS request, from the API's
// listener and from inside VPCs, through one ordered chain (chain.go), and calls
// the handler of the service that is meant. It knows no service by name but S3's
// way of addressing, which owns every path that nobody else claims.
//
// Services call each other through the same chain, in process, with [Gateway.Invoke]:
// the same validation, permission check and record, as the principal in the context.
//
// Errors travel up the chain and are encoded in one place (answer.go) in the
// caller's protocol.
package gateway

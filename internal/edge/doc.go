// Package edge is what a VPC finds answering inside itself: the Amazon-provided
// resolver, task metadata and credentials on 169.254.170.2, interface
// endpoints, and AWS's public endpoints for those whom a route leads there.
//
// For each VPC it opens listeners in the VPC's namespace and hands requests to
// the handlers that it was given, with the facts of the connection (Conn) in the
// request's context: which interface called, from which address, through which
// endpoint or gateway. The packet filter and the routes of package network decide
// who gets through; the edge adds nothing to that, and closes connections to
// addresses at which nobody lives.
//
// It knows no AWS API shapes. cmd/neargate gives it the gateway's handler and
// the authority's certificates; the loop of the ec2 service tells it of VPCs.
package edge

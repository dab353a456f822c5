// Package route53 is Amazon Route 53: public and private hosted zones and their
// record sets, with all routing policies but the IP-based one, and aliases. The
// resolver of every VPC answers from them (package dns): from the private zones
// of the VPC, and from all public zones, as if their domains were delegated here.
//
// A change is in force with the answer to its request, so every change is INSYNC.
//
// Health checks ask endpoints from several regions (package healthcheck), with
// addresses out of the ranges that AWS publishes; package hosted judges by what they
// found which record sets answer.
//
// Left out, and refused by name: health checks of alarms and of routing controls, IP-based routing, local zone groups, DNSSEC, traffic policies, query logging, reusable
// delegation sets, and associations across accounts.
package route53

// Package reach answers whether one thing can reach another: it names both ends,
// computes the way of a packet hop by hop with the evaluators from which the
// host's routes and filters were made (network.Explain), then tries it for real
// from inside the source's network namespace, and says when the two differ.
//
// [Trace] is the pure part: VPC values in, hops out. [Finder] finds the ends in
// the records, asks the data plane what listens, and probes. [WhoCanReach] turns
// the question round.
package reach

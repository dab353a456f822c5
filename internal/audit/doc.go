// Package audit keeps a record of every AWS call: who asked, from where, for
// what, and what came of it, in the format of CloudTrail's events. The gateway
// records each call at the end of its chain, services' calls in process too.
// Package cloudtrail serves the records: LookupEvents, and trails to buckets.
//
// Recording is cheap for the caller: calls queue in memory, and one goroutine
// encodes and stores them in batches a few times a second, so a crash takes the
// last fraction of a second. Events are kept per account and region, management
// and data events apart, for 90 days and up to a bound in bytes (oldest first).
//
// Nothing secret is written: what AWS's models call sensitive is hidden, and
// also what CloudTrail hides besides (conceal.go). Bodies are never recorded.
package audit

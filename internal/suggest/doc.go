// Package suggest finds the least privilege of a role or user from the requests
// it really made: pure functions from the counts that package access keeps to a
// policy document, and a proof that replays the requests against the document by
// the product's evaluator.
//
// A resource is named exactly as it was asked for. There are two exceptions, and
// both are told as notes: an id that is another one for each task or request
// becomes a wildcard, and so does the end of more than a handful of resources
// that begin alike. What the resource's own policy allows needs no permission
// and is left out; what was denied is not suggested.
package suggest

// Package check finds in a template what would fail when it is deployed, before
// it is: `neargate check`.
//
// A source (CloudFormation or SAM in YAML or JSON with its nested templates, or a
// directory of Terraform) is read into a plan: resources in CloudFormation's
// vocabulary, with the positions of their text. The plan is rehearsed: each
// resource is made in an instance in memory (package rehearsal) by the handler
// that a stack would use, so that its faults are found by the same validation.
// Then each task that the plan would run is walked through its start, in the
// order in which AWS does it: the trust of its roles, registry login, secrets,
// log streams, manifest, layers, each with its permission, its name and the way
// of its packets. What only a deployment can tell (a parameter without a value,
// what a data source reads) is unknown, and nothing is said about it.
//
// Findings are errors (it fails), warnings (it may fail, or is not what its
// author meant) and notes. Text and SARIF write them for people and for CI.
//
// Nothing here touches a network or the host; sources come as an fs.FS, and
// their sizes are bounded.
package check

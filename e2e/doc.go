// Package e2e drives a whole Neargate with the real, unmodified clients: aws
// CLI, SAM, boto3, skopeo. Its tests assert on what a person sees: exit codes,
// texts, bytes that arrive, packets that do not.
//
// One instance with a data directory and a port of its own serves all tests of
// the package; each test makes an AWS account of its own. Tests run as root,
// beside whatever else runs on the machine, and leave nothing behind.
package e2e

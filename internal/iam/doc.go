// Package iam is AWS Identity and Access Management: users with access keys,
// roles with trust policies, managed and inline policies, permissions
// boundaries, service-linked roles. It keeps the records; package access finds
// out with them who calls and what they may do, and package iam/policy decides.
//
// The service is global: its records have an account and no region. Policy
// documents are validated when they are written, in AWS's words, and kept as
// they were given; answers have them percent-encoded, as IAM's API does.
package iam

// Package terraform reads a directory of Terraform and says what resources of
// AWS it would make, in CloudFormation's vocabulary and with positions.
//
// It evaluates as much of the language as that needs: variables with their
// defaults and tfvars files, locals, references, count and for_each, local
// modules, policy documents, the usual functions. What only a plan can tell
// (variables without a value, data sources, remote modules, attributes that AWS
// computes) is unknown, and so is everything that depends on it. Resources come
// in the order of their dependencies; whoever makes them says which attributes
// they get, and references to them then have those.
//
// HCL's syntax and its expressions are hashicorp/hcl's; the rest is here. It is
// pure: files come through a function.
package terraform

// Package sts is AWS Security Token Service: temporary credentials for roles
// and users, and who a caller is.
//
// The gateway has checked a caller's permission against the role's trust policy
// before AssumeRole runs: the trust policy is the role's resource policy
// (authorize.go). [Sessions] is the same for Neargate's own services: the ECS
// agent assumes a task's roles through it, CloudFormation a stack's. Tokens and
// their meaning are package access's.
//
// One deviation from AWS: a root user may assume a role whose trust policy names
// the account. The operator's key is the root user's, and CDK, Terraform and SAM
// assume roles with it.
package sts

// Package access finds out who is behind an access key and decides what they
// may do. It is what the gateway, and services that hand something over, ask:
//
//   - [Keys] turns an access key and session token into a secret and a
//     caller.Identity (gateway.Keys).
//   - [Authorizer] gathers the policies that apply to a request, evaluates them
//     (package iam/policy), records the decision and words the denial as AWS
//     does (authorize.Checker and gateway.Checker).
//   - [Trust] answers whether a role may be assumed, and if not, why.
//   - [Accounts] makes new AWS accounts.
//
// What was used is remembered durably, for "never used", RoleLastUsed and
// service-last-accessed reports: [Authorizer.Uses] gives, for the unique id of a
// role or user, one state.ActionUse per action with how often it was allowed and
// denied, when last, in which region and on which resource. Counts are gathered
// in memory and stored in one commit every few seconds; root users and services
// are not counted. state.ForgetPrincipal deletes them with their principal.
//
// Its records are those of IAM in package state; package iam writes them. It is
// not a service: services may import it.
//
// Session tokens are opaque to everybody else: they hold the whole session,
// sealed with the instance's key, so that nothing is stored per session and
// sessions survive a restart. They end at once when their role or user is
// deleted, and lose what its policies take away from older sessions
// (aws:TokenIssueTime).
package access

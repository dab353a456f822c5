// Package resource makes, changes and deletes the resources that CloudFormation
// templates name, one file per type or family of types. A type carries out its
// work through the public API of the service (the generated clients), as the
// principal in the context, so that permissions and errors are those of AWS.
//
// Each type has a Schema: which properties it has, what they hold, which are
// required, and which cannot change without a replacement. A property that the
// schema does not name is refused with its name and line when a change set is
// made, never ignored.
//
// Calls may be repeated after a crash. A Request has a Token from which names
// and client tokens are derived, and the physical id as soon as that was
// recorded; where a service knows neither names nor tokens, the tags
// aws:cloudformation:stack-id and logical-id lead back to what was made.
//
// Package cloudformation is the only user. It supplies AWS::CloudFormation::Stack itself.
package resource

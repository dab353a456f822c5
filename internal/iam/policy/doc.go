// Package policy reads IAM policy documents and evaluates them, as pure
// functions: no clock, no store, no names of ours. Package iam gathers a
// principal's policies and the request's context; this package decides.
//
// Parse compiles a document once: patterns are classified, condition values are
// converted, variables are found. Evaluate then walks the statements without
// allocating. It answers which kind of policy decided and which statement;
// Explain walks again and tells about every statement that names the action,
// which is what a person wants to see after a denial.
//
// The rules are those of "Policy evaluation logic" and "IAM JSON policy
// elements" in the IAM User Guide. Choices where AWS is silent:
//
//   - A statement with a variable that the request does not have never applies.
//   - A multivalued key under an operator without a set prefix matches when any
//     of its values does.
//   - Patterns in Resource match across colons; those of the Arn operators
//     match each of the six parts alone.
//   - IfExists looks at each value of a key, so that with ForAnyValue, which
//     wants one, it changes nothing when the key is missing.
//   - Duplicate keys in the JSON are a syntax error.
package policy

// Package ssm is the Parameter Store of AWS Systems Manager: parameters of type
// String, StringList and SecureString in a hierarchy of paths, with versions,
// labels and tags. ECS tasks read them as secrets with their execution role.
//
// SecureString values are encrypted at rest by KMS, called on behalf of the caller
// (package envelope): those of the standard tier by KMS itself, as kms:Decrypt can
// show with the context PARAMETER_ARN, larger ones with a data key. Records
// (state.Parameters) hold only ciphertext, which is what a request without
// WithDecryption gets.
//
// Not carried out, and refused by name: the other parts of Systems Manager,
// parameter policies, data types other than text, AWS's public parameters
// (/aws/service/...) and shared ones.
package ssm

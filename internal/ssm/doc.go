// Package ssm is the Parameter Store of AWS Systems Manager: parameters of type
// String, StringList and SecureString in a hierarchy of paths, with versions,
// labels and tags. ECS tasks read them as secrets with their execution role.
//
// SecureString values are encrypted at rest by package kms under the key that
// stands for aws/ssm; records (state.Parameters) hold only the ciphertext, and
// it is what a request without WithDecryption gets.
//
// Not carried out, and refused by name: the other parts of Systems Manager,
// KMS keys of one's own, parameter policies, data types other than text, public
// and shared parameters.
package ssm

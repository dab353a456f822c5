// Package secretsmanager is AWS Secrets Manager: secrets with versions, their
// staging labels (AWSCURRENT, AWSPREVIOUS, AWSPENDING and a user's own), a
// recovery window before deletion, and resource policies. ECS tasks read them
// with their execution role.
//
// Values are encrypted at rest under a key of KMS, aws/secretsmanager if none is
// named: by KMS itself, called on behalf of the caller (package envelope). So the
// caller needs permission on the key, and records (state.Secrets) hold only
// ciphertext.
//
// Not carried out, and refused by name: replication, rotation, secrets managed by
// other services or partners.
package secretsmanager

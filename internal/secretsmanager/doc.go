// Package secretsmanager is AWS Secrets Manager: secrets with versions, their
// staging labels (AWSCURRENT, AWSPREVIOUS, AWSPENDING and a user's own), a
// recovery window before deletion, and resource policies. ECS tasks read them
// with their execution role.
//
// Values are encrypted at rest by package kms under the key that stands for
// aws/secretsmanager; records (state.Secrets) hold only the ciphertext.
//
// Not carried out, and refused by name: KMS keys of one's own, replication,
// rotation, secrets managed by other services or partners.
package secretsmanager

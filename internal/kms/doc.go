// Package kms is AWS Key Management Service: keys with their policies, aliases
// and grants, rotation, and the operations that use them: encryption with a
// bound context, data keys, signatures and MACs.
//
// A key's policy is the root of access to it, as on AWS: without a statement
// that lets somebody in, directly or by naming the account (whose IAM policies
// then decide), nobody may use it, the account's root user included. Grants are
// evaluated as further statements of that policy (see grantStatements).
//
// Key material is sealed at rest under the instance's key by package seal;
// everything that other services encrypt hangs below it by data keys. The
// AWS-managed keys aws/secretsmanager, aws/ssm, aws/s3 and aws/ecr are made when
// they are first used.
//
// Not carried out, and refused by name: keys of several regions, imported
// material, custom and external key stores, key agreement and encapsulation,
// the specs ECC_SECG_P256K1, ECC_NIST_EDWARDS25519, SM2, ML_DSA and ML_KEM, and
// recipients of Nitro Enclaves.
package kms

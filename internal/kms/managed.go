package kms

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// managedServices are the services with an AWS-managed key, and what its
// description says.
var managedServices = map[string]string{
	"secretsmanager": "Default key that protects my Secrets Manager data when no other key is defined",
	"ssm":            "Default key that protects my SSM parameters when no other key is defined",
	"s3":             "Default key that protects my S3 objects when no other key is defined",
	"ecr":            "Default key that protects my ECR data when no other key is defined",
}

// managedKey is the AWS-managed key of a service before its first use: its id
// follows from its place, so that it is known before the key is made.
func managedKey(account, region, service string) *state.KMSKey {
	return &state.KMSKey{Account: account, Region: region, ID: ids.Named("kms key aws/" + service + " of " + account + " in " + region), Service: service,
		Description: managedServices[service], Usage: encryptDecrypt, Spec: symmetric, Policy: managedPolicy(account, region, service)}
}

// managedPolicy lets everybody in the account use the key through the service,
// and look at it, but not change it.
func managedPolicy(account, region, service string) string {
	return document("auto-"+service+"-2",
		statement{
			Sid: "Allow access through " + service + " for all principals in the account that are authorized to use " + service, Effect: "Allow",
			Principal: principals{AWS: "*"}, Action: []string{"kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey"}, Resource: "*",
			Condition: map[string]map[string][]string{"StringEquals": {"kms:CallerAccount": {account}, "kms:ViaService": {service + "." + region + ".amazonaws.com"}}},
		},
		statement{
			Sid: "Allow direct access to key metadata to the account", Effect: "Allow", Principal: principals{AWS: "arn:aws:iam::" + account + ":root"},
			Action: []string{"kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"}, Resource: "*",
		})
}

// accountPolicy is the policy of a key that was made without one: the account's
// IAM policies decide.
func accountPolicy(account string) string {
	return document("key-default-1", statement{
		Sid: "Enable IAM User Permissions", Effect: "Allow", Principal: principals{AWS: "arn:aws:iam::" + account + ":root"}, Action: "kms:*", Resource: "*",
	})
}

// statement is a policy statement as we write them.
type statement struct {
	Sid       string `json:",omitempty"`
	Effect    string
	Principal principals
	Action    any
	Resource  string
	Condition map[string]map[string][]string `json:",omitempty"`
}

type principals struct {
	AWS     string `json:",omitempty"`
	Service string `json:",omitempty"`
}

func document(id string, statements ...statement) string {
	b, err := json.Marshal(struct {
		Version   string
		Id        string
		Statement []statement
	}{"2012-10-17", id, statements})
	if err != nil {
		panic(err) // strings only
	}
	return string(b)
}

// ensure makes the material and the alias of an AWS-managed key on its first use.
func (s *Service) ensure(ctx context.Context, key *state.KMSKey) (*state.KMSKey, error) {
	if len(key.Material) > 0 {
		return key, nil
	}
	made := key
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if have, ok := state.KMSKeys.Get(tx, key.Key()); ok {
			made = have
			return nil
		}
		made = new(*key)
		made.CreatedAt, made.RotateFrom, made.RotationDays = s.now(), s.now(), defaultRotation
		if err := s.rotate(made, ""); err != nil {
			return err
		}
		state.KMSKeys.Put(tx, made)
		state.KMSAliases.Put(tx, &state.KMSAlias{Account: key.Account, Region: key.Region, Name: "alias/aws/" + key.Service, KeyID: key.ID, CreatedAt: s.now(), UpdatedAt: s.now()})
		return nil
	})
	return made, err
}

// viaService is kms:ViaService of a call that another service makes on behalf of
// its caller: secretsmanager.eu-west-1.amazonaws.com.
func viaService(name, region string) string {
	service, ok := strings.CutSuffix(name, ".amazonaws.com")
	if !ok {
		return ""
	}
	return service + "." + region + ".amazonaws.com"
}

package kms

import (
	"context"
	"reflect"
	"strings"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// Authorization is which permission each operation needs.
func (s *Service) Authorization() authorize.Service {
	rules := map[string][]authorize.Rule{}
	for operation := range kmsapi.Model.Operations {
		rules[operation] = []authorize.Rule{{Action: "kms:" + operation, Resources: s.keyResources("KeyId"), Conditions: s.conditions("KeyId")}}
	}
	for _, operation := range []string{"CreateKey", "GenerateRandom", "ListAliases", "ListKeys", "ListRetirableGrants"} {
		rules[operation] = []authorize.Rule{{Action: "kms:" + operation, Conditions: s.conditions("")}}
	}
	authorize.TagOnCreate(rules, "kms:TagResource", "", nil, "CreateKey")
	for _, operation := range []string{"CreateAlias", "DeleteAlias", "UpdateAlias"} {
		rules[operation] = []authorize.Rule{{Action: "kms:" + operation, Resources: s.aliasResources, Conditions: s.conditions("TargetKeyId")}}
	}
	rules["ReEncrypt"] = []authorize.Rule{
		{Action: "kms:ReEncryptFrom", Resources: s.keyResources("SourceKeyId"), Conditions: s.conditions("SourceKeyId")},
		{Action: "kms:ReEncryptTo", Resources: s.keyResources("DestinationKeyId"), Conditions: s.conditions("DestinationKeyId")},
	}
	return authorize.Service{Rules: rules, ResourcePolicy: s.resourcePolicy}
}

// resourcePolicy is a key's policy with its grants. Aliases, keys that do not
// exist and "*" have none of their own: there the account's IAM policies decide.
func (s *Service) resourcePolicy(ctx context.Context, resource string) (string, string, bool) {
	id := caller.From(ctx)
	account := id.Account
	if a, err := arn.Parse(resource); err == nil {
		account = a.Account
		if a.Type() == "key" {
			id.Region = a.Region
			if key, err := s.find(s.db.Read(), id, resource); err == nil {
				return withGrants(key), key.Account, true
			}
		}
	}
	return accountPolicy(account), account, true
}

// textField is the value of a request's string member; "" without.
func textField(in any, name string) string {
	f := reflect.ValueOf(in).Elem().FieldByName(name)
	if !f.IsValid() {
		return ""
	}
	return f.String()
}

// keyResources is the ARN of the key that a member of the request names, or its
// ciphertext.
func (s *Service) keyResources(member string) func(caller.Identity, any) []string {
	return func(id caller.Identity, in any) []string { return []string{s.keyARN(id, in, member)} }
}

func (s *Service) keyARN(id caller.Identity, in any, member string) string {
	if retire, ok := in.(*kmsapi.RetireGrantRequest); ok && retire.GrantToken != "" {
		if keyARN, _, ok := openToken(retire.GrantToken); ok {
			return keyARN
		}
	}
	keyID := textField(in, member)
	if key := s.keyOfRequest(id, in, member); key != nil {
		return key.ARN()
	}
	if arn.Is(keyID) {
		return keyID
	}
	return arn.Format("kms", id.Region, id.Account, "key/"+keyID)
}

// keyOfRequest is the key that a request means, if there is one. Of ciphertexts
// it is the key that made them, whatever else the request says.
func (s *Service) keyOfRequest(id caller.Identity, in any, member string) *state.KMSKey {
	tx := s.db.Read()
	var blob []byte
	switch in := in.(type) {
	case *kmsapi.DecryptRequest:
		blob = in.CiphertextBlob
	case *kmsapi.ReEncryptRequest:
		if member == "SourceKeyId" {
			blob = in.CiphertextBlob
		}
	}
	if name, _, ok := keyOf(blob); ok {
		for key := range state.KMSKeys.By(tx, "region-id", id.Region+"/"+name) {
			return key
		}
	}
	key, err := s.find(tx, id, textField(in, member))
	if err != nil {
		return nil
	}
	return key
}

// aliasResources are the alias and the keys that it points to, before and after.
func (s *Service) aliasResources(id caller.Identity, in any) []string {
	name := textField(in, "AliasName")
	out := []string{arn.Format("kms", id.Region, id.Account, name)}
	if _, create := in.(*kmsapi.CreateAliasRequest); !create {
		if alias, ok := state.KMSAliases.Get(s.db.Read(), state.Key(id.Account, id.Region, name)); ok {
			out = append(out, arn.Format("kms", id.Region, id.Account, "key/"+alias.KeyID))
		}
	}
	if key := s.keyOfRequest(id, in, "TargetKeyId"); key != nil {
		out = append(out, key.ARN())
	}
	return out
}

// conditions are KMS's condition keys of a request, with those of the key that a
// member of it names.
func (s *Service) conditions(member string) func(caller.Identity, any) map[string][]string {
	return func(id caller.Identity, in any) map[string][]string {
		out := map[string][]string{"kms:CallerAccount": {id.Account}}
		set := func(name, value string) {
			if value != "" {
				out[name] = []string{value}
			}
		}
		set("kms:ViaService", viaService(id.ViaService, id.Region))
		for field, name := range map[string]string{
			"KeyUsage": "kms:KeyUsage", "KeySpec": "kms:KeySpec", "SigningAlgorithm": "kms:SigningAlgorithm", "MacAlgorithm": "kms:MacAlgorithm",
			"MessageType": "kms:MessageType", "EncryptionAlgorithm": "kms:EncryptionAlgorithm", "GranteePrincipal": "kms:GranteePrincipal", "RetiringPrincipal": "kms:RetiringPrincipal",
		} {
			set(name, textField(in, field))
		}
		contextConditions(in, member, out)
		tagConditions(in, out)
		if name := textField(in, member); strings.HasPrefix(name, "alias/") {
			set("kms:RequestAlias", name)
		}
		if member == "" {
			return out
		}
		key := s.keyOfRequest(id, in, member)
		if key == nil {
			return out
		}
		set("kms:KeyUsage", key.Usage)
		set("kms:KeySpec", key.Spec)
		set("kms:KeyOrigin", string(kmsapi.OriginTypeAwsKms))
		set("kms:MultiRegion", "false")
		for a := range state.KMSAliases.By(s.db.Read(), "key", key.Key()) {
			out["kms:ResourceAliases"] = append(out["kms:ResourceAliases"], a.Name)
		}
		for _, t := range key.Tags {
			set("aws:ResourceTag/"+t.Key, t.Value)
		}
		return out
	}
}

// contextConditions tell the encryption context, and what grants are for.
func contextConditions(in any, member string, out map[string][]string) {
	var context map[string]string
	switch in := in.(type) {
	case *kmsapi.EncryptRequest:
		context = in.EncryptionContext
	case *kmsapi.DecryptRequest:
		context = in.EncryptionContext
	case *kmsapi.GenerateDataKeyRequest:
		context = in.EncryptionContext
	case *kmsapi.GenerateDataKeyWithoutPlaintextRequest:
		context = in.EncryptionContext
	case *kmsapi.ReEncryptRequest:
		context = in.SourceEncryptionContext
		if member == "DestinationKeyId" {
			context = in.DestinationEncryptionContext
		}
	case *kmsapi.CreateGrantRequest:
		for _, operation := range in.Operations {
			out["kms:GrantOperations"] = append(out["kms:GrantOperations"], string(operation))
		}
		if c := in.Constraints; c != nil && c.EncryptionContextEquals != nil {
			out["kms:GrantConstraintType"] = []string{"EncryptionContextEquals"}
		} else if c != nil && c.EncryptionContextSubset != nil {
			out["kms:GrantConstraintType"] = []string{"EncryptionContextSubset"}
		}
	}
	for name, value := range context {
		out["kms:EncryptionContext:"+name] = []string{value}
		out["kms:EncryptionContextKeys"] = append(out["kms:EncryptionContextKeys"], name)
	}
}

func tagConditions(in any, out map[string][]string) {
	add := func(tags []kmsapi.Tag) {
		for _, t := range tags {
			out["aws:RequestTag/"+t.TagKey] = []string{t.TagValue}
			out["aws:TagKeys"] = append(out["aws:TagKeys"], t.TagKey)
		}
	}
	switch in := in.(type) {
	case *kmsapi.CreateKeyRequest:
		add(in.Tags)
	case *kmsapi.TagResourceRequest:
		add(in.Tags)
	case *kmsapi.UntagResourceRequest:
		out["aws:TagKeys"] = in.TagKeys
	}
}

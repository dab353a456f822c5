package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// KMSKey is a key of AWS KMS with its policy and grants. Written by kms.
type KMSKey struct {
	Account, Region, ID string

	Service     string // of an AWS-managed key: secretsmanager, ssm, s3, ecr; "" for a customer's
	Description string
	Usage       string // ENCRYPT_DECRYPT, SIGN_VERIFY, GENERATE_VERIFY_MAC
	Spec        string // SYMMETRIC_DEFAULT, RSA_2048 ...
	CreatedAt   time.Time
	Disabled    bool
	DeletionAt  time.Time // when it will be gone for good; zero while it is not scheduled
	Window      int32     // days of waiting that were asked for
	Policy      string    // key policy document
	Tags        []Tag
	Grants      []KMSGrant
	Material    []KMSMaterial // oldest first; the last one encrypts

	RotationDays int32     // period of automatic rotation; 0 without
	RotateFrom   time.Time // from when the period counts
}

// KMSMaterial is key material in one of a key's rotations.
type KMSMaterial struct {
	ID        string // 64 hex digits
	Sealed    []byte // under the instance's key, by package seal
	CreatedAt time.Time
	Rotation  string // AUTOMATIC or ON_DEMAND; "" for the first
}

// KMSGrant lets a principal use a key without its policy naming it.
type KMSGrant struct {
	ID, Name        string
	CreatedAt       time.Time
	Grantee         string // ARN of a principal
	GranteeService  string // or the name of an AWS service
	Retiring        string // ARN of a principal; "" without
	RetiringService string
	IssuingAccount  string // ARN of the root user
	Operations      []string
	ContextEquals   map[string]string // the encryption context must be this
	ContextSubset   map[string]string // the encryption context must have this
	SourceARN       string
}

// Key is the record's key.
func (k *KMSKey) Key() string { return Key(k.Account, k.Region, k.ID) }

// ARN is the key's ARN.
func (k *KMSKey) ARN() string { return "arn:aws:kms:" + k.Region + ":" + k.Account + ":key/" + k.ID }

// KMSKeys holds keys by account/region/id. Index "region-id" takes region/id:
// ciphertexts name their key without its account.
var KMSKeys = store.Define("kms.key", (*KMSKey).Key,
	store.By("region-id", func(k *KMSKey) []string { return []string{k.Region + "/" + k.ID} }))

// KMSAlias is another name of a key. Written by kms.
type KMSAlias struct {
	Account, Region, Name string // alias/...

	KeyID     string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Key is the record's key.
func (a *KMSAlias) Key() string { return Key(a.Account, a.Region, a.Name) }

// ARN is the alias's ARN.
func (a *KMSAlias) ARN() string { return "arn:aws:kms:" + a.Region + ":" + a.Account + ":" + a.Name }

// KMSAliases holds aliases by account/region/name. Index "key" takes account/region/id of the key.
var KMSAliases = store.Define("kms.alias", (*KMSAlias).Key,
	store.By("key", func(a *KMSAlias) []string { return []string{Key(a.Account, a.Region, a.KeyID)} }))

// Envelope is a value encrypted under a key of KMS. Written by package envelope.
type Envelope struct {
	KeyARN  string
	DataKey []byte // encrypted by KMS; nil when the value itself is
	Sealed  []byte
}

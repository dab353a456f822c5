package s3

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/state"
)

// PutBucketVersioning enables or suspends versioning.
func (s *Service) PutBucketVersioning(ctx context.Context, in *s3api.PutBucketVersioningRequest) error {
	if err := checkCarriedOut(in); err != nil {
		return err
	}
	c := in.VersioningConfiguration
	switch {
	case c.MFADelete == s3api.MFADeleteEnabled:
		return errNotImplemented("MfaDelete")
	case c.Status == "":
		return errDetailed("IllegalVersioningConfigurationException", 400, "The Versioning element must be specified")
	case c.Status != s3api.BucketVersioningStatusEnabled && c.Status != s3api.BucketVersioningStatusSuspended:
		return errMalformedXML()
	}
	return s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *state.Bucket) error {
		b.Versioning = string(c.Status)
		return nil
	})
}

// GetBucketVersioning tells a bucket's versioning; nothing if never enabled.
func (s *Service) GetBucketVersioning(ctx context.Context, in *s3api.GetBucketVersioningRequest) (*s3api.GetBucketVersioningOutput, error) {
	b, err := s.bucket(ctx, s.DB.Read(), in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	return &s3api.GetBucketVersioningOutput{Status: s3api.BucketVersioningStatus(b.Versioning)}, nil
}

// PutBucketEncryption sets how new objects are encrypted by default.
func (s *Service) PutBucketEncryption(ctx context.Context, in *s3api.PutBucketEncryptionRequest) error {
	rules := in.ServerSideEncryptionConfiguration.Rules
	if len(rules) != 1 || rules[0].ApplyServerSideEncryptionByDefault == nil {
		return errMalformedXML()
	}
	if rules[0].BlockedEncryptionTypes != nil {
		// SSE-C is always blocked here; other types cannot be.
		for _, t := range rules[0].BlockedEncryptionTypes.EncryptionType {
			if t != s3api.EncryptionTypeSseC && t != s3api.EncryptionTypeNone {
				return errMalformedXML()
			}
		}
	}
	apply := rules[0].ApplyServerSideEncryptionByDefault
	e := state.ObjectEncryption{Algorithm: string(apply.SSEAlgorithm), KMSKeyID: apply.KMSMasterKeyID}
	if k := rules[0].BucketKeyEnabled; k != nil {
		e.BucketKey = *k
	}
	return s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *state.Bucket) error {
		b.Encryption = e
		return checkEncryption(b, e)
	})
}

// GetBucketEncryption tells the default encryption; there always is one.
func (s *Service) GetBucketEncryption(ctx context.Context, in *s3api.GetBucketEncryptionRequest) (*s3api.GetBucketEncryptionOutput, error) {
	b, err := s.bucket(ctx, s.DB.Read(), in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	bucketKey := b.Encryption.BucketKey
	return &s3api.GetBucketEncryptionOutput{ServerSideEncryptionConfiguration: &s3api.ServerSideEncryptionConfiguration{Rules: []s3api.ServerSideEncryptionRule{{
		ApplyServerSideEncryptionByDefault: &s3api.ServerSideEncryptionByDefault{
			SSEAlgorithm: s3api.ServerSideEncryption(b.Encryption.Algorithm), KMSMasterKeyID: b.Encryption.KMSKeyID,
		},
		BucketKeyEnabled: &bucketKey,
	}}}}, nil
}

// DeleteBucketEncryption goes back to SSE-S3.
func (s *Service) DeleteBucketEncryption(ctx context.Context, in *s3api.DeleteBucketEncryptionRequest) error {
	return s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *state.Bucket) error {
		b.Encryption = state.ObjectEncryption{Algorithm: "AES256"}
		return nil
	})
}

// PutPublicAccessBlock blocks public access in up to four ways.
func (s *Service) PutPublicAccessBlock(ctx context.Context, in *s3api.PutPublicAccessBlockRequest) error {
	c := in.PublicAccessBlockConfiguration
	set := func(p *bool) bool { return p != nil && *p }
	if c.BlockPublicAcls == nil && c.IgnorePublicAcls == nil && c.BlockPublicPolicy == nil && c.RestrictPublicBuckets == nil {
		return errDetailed("InvalidRequest", 400, "Must specify at least one configuration.")
	}
	return s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *state.Bucket) error {
		b.PublicAccessBlock = &state.PublicAccessBlock{
			BlockPublicAcls: set(c.BlockPublicAcls), IgnorePublicAcls: set(c.IgnorePublicAcls),
			BlockPublicPolicy: set(c.BlockPublicPolicy), RestrictPublicBuckets: set(c.RestrictPublicBuckets),
		}
		return nil
	})
}

// GetPublicAccessBlock tells a bucket's block of public access.
func (s *Service) GetPublicAccessBlock(ctx context.Context, in *s3api.GetPublicAccessBlockRequest) (*s3api.GetPublicAccessBlockOutput, error) {
	b, err := s.bucket(ctx, s.DB.Read(), in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if b.PublicAccessBlock == nil {
		return nil, errDetailed("NoSuchPublicAccessBlockConfiguration", 404, "The public access block configuration was not found", "BucketName", b.Name)
	}
	p := *b.PublicAccessBlock
	return &s3api.GetPublicAccessBlockOutput{PublicAccessBlockConfiguration: &s3api.PublicAccessBlockConfiguration{
		BlockPublicAcls: &p.BlockPublicAcls, IgnorePublicAcls: &p.IgnorePublicAcls, BlockPublicPolicy: &p.BlockPublicPolicy, RestrictPublicBuckets: &p.RestrictPublicBuckets,
	}}, nil
}

// DeletePublicAccessBlock removes the block.
func (s *Service) DeletePublicAccessBlock(ctx context.Context, in *s3api.DeletePublicAccessBlockRequest) error {
	return s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *state.Bucket) error {
		b.PublicAccessBlock = nil
		return nil
	})
}

// PutBucketOwnershipControls says who owns what others upload.
func (s *Service) PutBucketOwnershipControls(ctx context.Context, in *s3api.PutBucketOwnershipControlsRequest) error {
	rules := in.OwnershipControls.Rules
	if len(rules) != 1 || !slices.Contains(rules[0].ObjectOwnership.EnumValues(), string(rules[0].ObjectOwnership)) {
		return errMalformedXML()
	}
	return s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *state.Bucket) error {
		b.Ownership = string(rules[0].ObjectOwnership)
		return nil
	})
}

// GetBucketOwnershipControls tells a bucket's ownership controls.
func (s *Service) GetBucketOwnershipControls(ctx context.Context, in *s3api.GetBucketOwnershipControlsRequest) (*s3api.GetBucketOwnershipControlsOutput, error) {
	b, err := s.bucket(ctx, s.DB.Read(), in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if b.Ownership == "" {
		return nil, errDetailed("OwnershipControlsNotFoundError", 404, "The bucket ownership controls were not found", "BucketName", b.Name)
	}
	return &s3api.GetBucketOwnershipControlsOutput{OwnershipControls: &s3api.OwnershipControls{
		Rules: []s3api.OwnershipControlsRule{{ObjectOwnership: s3api.ObjectOwnership(b.Ownership)}},
	}}, nil
}

// DeleteBucketOwnershipControls removes the controls.
func (s *Service) DeleteBucketOwnershipControls(ctx context.Context, in *s3api.DeleteBucketOwnershipControlsRequest) error {
	return s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *state.Bucket) error {
		b.Ownership = ""
		return nil
	})
}

// GetBucketAcl shows the only access control list that there is: the owner's.
func (s *Service) GetBucketAcl(ctx context.Context, in *s3api.GetBucketAclRequest) (*s3api.GetBucketAclOutput, error) {
	b, err := s.bucket(ctx, s.DB.Read(), in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	return &s3api.GetBucketAclOutput{Owner: owner(b.Account), Grants: ownerGrants(b.Account)}, nil
}

func ownerGrants(account string) []s3api.Grant {
	return []s3api.Grant{{
		Grantee:    &s3api.Grantee{ID: canonicalID(account), Type: s3api.TypeCanonicalUser},
		Permission: s3api.PermissionFullControl,
	}}
}

package resource

import (
	"context"
	"strconv"

	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/state"
)

// kmsKey is AWS::KMS::Key.
type kmsKey struct{}

var kmsKeySchema = &Schema{
	Type: "AWS::KMS::Key",
	Properties: Properties{
		"Description": String, "Enabled": Boolean, "EnableKeyRotation": Boolean, "RotationPeriodInDays": Integer, "KeyPolicy": Document, "KeyUsage": String.Replaces(),
		"KeySpec": String.Replaces(), "Origin": String.Replaces(), "MultiRegion": Boolean.Replaces(), "PendingWindowInDays": Integer, "BypassPolicyLockoutSafetyCheck": Boolean, "Tags": Tags,
	},
	Attributes: []string{"Arn", "KeyId"},
}

// Schema is the type's schema.
func (kmsKey) Schema() *Schema { return kmsKeySchema }

func (r *Request) kms() kmsapi.API { return kmsapi.NewClient(r.Invoker) }

func kmsTags(tags []state.Tag) []kmsapi.Tag {
	var out []kmsapi.Tag
	for _, t := range tags {
		out = append(out, kmsapi.Tag{TagKey: t.Key, TagValue: t.Value})
	}
	return out
}

// Create makes the key; one that an earlier attempt made is found by its tags.
func (kmsKey) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" && r.Retry {
		id, err := r.madeKey(ctx)
		if err != nil {
			return Result{}, err
		}
		r.PhysicalID = id
	}
	if r.PhysicalID == "" {
		in := &kmsapi.CreateKeyRequest{Tags: kmsTags(append(r.own(), r.allTags(r.Properties.Get("Tags"))...))}
		if err := bind(r.Properties, in, "Tags", "KeyPolicy", "Enabled", "EnableKeyRotation", "RotationPeriodInDays", "PendingWindowInDays"); err != nil {
			return Result{}, err
		}
		if document := r.Properties.Get("KeyPolicy"); document != nil {
			in.Policy = document.JSON()
		}
		out, err := r.kms().CreateKey(ctx, in)
		if err != nil {
			return Result{}, err
		}
		r.PhysicalID = out.KeyMetadata.KeyId
	}
	if err := r.Created(r.PhysicalID); err != nil {
		return Result{}, err
	}
	if r.rotates() {
		if err := r.setRotation(ctx); err != nil {
			return Result{}, err
		}
	}
	if enabled := r.Flag("Enabled"); enabled != nil && !*enabled {
		if err := r.setEnabled(ctx); err != nil {
			return Result{}, err
		}
	}
	return r.keyResult(), nil
}

// madeKey finds the key that an earlier attempt made; "" if there is none.
func (r *Request) madeKey(ctx context.Context) (string, error) {
	most := int32(1000)
	list, err := r.kms().ListKeys(ctx, &kmsapi.ListKeysRequest{Limit: &most})
	if err != nil {
		return "", err
	}
	for _, key := range list.Keys {
		tags, err := r.kms().ListResourceTags(ctx, &kmsapi.ListResourceTagsRequest{KeyId: key.KeyId})
		if err != nil {
			continue // somebody else's
		}
		mine := 0
		for _, t := range tags.Tags {
			if t.TagKey == tagStackID && t.TagValue == r.StackID || t.TagKey == tagLogicalID && t.TagValue == r.LogicalID {
				mine++
			}
		}
		if mine == 2 && key.KeyId != r.Replaces {
			return key.KeyId, nil
		}
	}
	return "", nil
}

func (r *Request) keyResult() Result {
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Arn", "arn:aws:kms:"+r.Region+":"+r.Account+":key/"+r.PhysicalID, "KeyId", r.PhysicalID)}
}

// rotates reports whether the key shall rotate by itself.
func (r *Request) rotates() bool {
	rotate := r.Flag("EnableKeyRotation")
	return rotate != nil && *rotate
}

func (r *Request) setRotation(ctx context.Context) error {
	if !r.rotates() {
		return r.kms().DisableKeyRotation(ctx, &kmsapi.DisableKeyRotationRequest{KeyId: r.PhysicalID})
	}
	return r.kms().EnableKeyRotation(ctx, &kmsapi.EnableKeyRotationRequest{KeyId: r.PhysicalID, RotationPeriodInDays: r.days("RotationPeriodInDays")})
}

func (r *Request) days(name string) *int32 {
	n, err := strconv.ParseInt(r.Text(name), 10, 32)
	if err != nil {
		return nil
	}
	return new(int32(n))
}

func (r *Request) setEnabled(ctx context.Context) error {
	if enabled := r.Flag("Enabled"); enabled != nil && !*enabled {
		return r.kms().DisableKey(ctx, &kmsapi.DisableKeyRequest{KeyId: r.PhysicalID})
	}
	return r.kms().EnableKey(ctx, &kmsapi.EnableKeyRequest{KeyId: r.PhysicalID})
}

// Update changes everything but what kind of key it is. A key is enabled first
// and disabled last: a disabled one cannot be changed.
func (kmsKey) Update(ctx context.Context, r *Request) (Result, error) {
	disable := r.Flag("Enabled") != nil && !*r.Flag("Enabled")
	var steps []func() error
	when := func(changed bool, do func() error) {
		if changed {
			steps = append(steps, do)
		}
	}
	when(r.Changed("Enabled") && !disable, func() error { return r.setEnabled(ctx) })
	when(r.Changed("Description"), func() error {
		return r.kms().UpdateKeyDescription(ctx, &kmsapi.UpdateKeyDescriptionRequest{KeyId: r.PhysicalID, Description: r.Text("Description")})
	})
	when(r.Changed("KeyPolicy") && r.Properties.Get("KeyPolicy") != nil, func() error {
		bypass := r.Flag("BypassPolicyLockoutSafetyCheck")
		return r.kms().PutKeyPolicy(ctx, &kmsapi.PutKeyPolicyRequest{KeyId: r.PhysicalID, Policy: r.Properties.Get("KeyPolicy").JSON(), BypassPolicyLockoutSafetyCheck: bypass != nil && *bypass})
	})
	when(r.Changed("EnableKeyRotation") || r.Changed("RotationPeriodInDays"), func() error { return r.setRotation(ctx) })
	set, removed := r.tagChange()
	when(set != nil, func() error {
		return r.kms().TagResource(ctx, &kmsapi.TagResourceRequest{KeyId: r.PhysicalID, Tags: kmsTags(set)})
	})
	when(removed != nil, func() error {
		return r.kms().UntagResource(ctx, &kmsapi.UntagResourceRequest{KeyId: r.PhysicalID, TagKeys: removed})
	})
	when(r.Changed("Enabled") && disable, func() error { return r.setEnabled(ctx) })
	for _, do := range steps {
		if err := do(); err != nil {
			return Result{}, err
		}
	}
	return r.keyResult(), nil
}

// Delete schedules the key's deletion.
func (kmsKey) Delete(ctx context.Context, r *Request) error {
	_, err := r.kms().ScheduleKeyDeletion(ctx, &kmsapi.ScheduleKeyDeletionRequest{KeyId: r.PhysicalID, PendingWindowInDays: r.days("PendingWindowInDays")})
	return gone(err, "NotFoundException", "KMSInvalidStateException")
}

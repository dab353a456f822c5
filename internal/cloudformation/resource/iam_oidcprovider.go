package resource

import (
	"context"
	"strings"

	"github.com/neargate/neargate/internal/aws/iamapi"
)

// iamProvider is AWS::IAM::OIDCProvider.
type iamProvider struct{}

var iamProviderSchema = &Schema{
	Type:       "AWS::IAM::OIDCProvider",
	Properties: Properties{"Url": String.Required().Replaces(), "ClientIdList": Strings, "ThumbprintList": Strings, "Tags": Tags},
	Attributes: []string{"Arn"},
}

// Schema is the type's schema.
func (iamProvider) Schema() *Schema { return iamProviderSchema }

// Create makes the provider.
func (iamProvider) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		url := r.Text("Url")
		in := &iamapi.CreateOpenIDConnectProviderRequest{Url: url, ClientIDList: list(r.Properties.Get("ClientIdList")), ThumbprintList: list(r.Properties.Get("ThumbprintList")), Tags: iamTags(r.allTags(r.Properties.Get("Tags")))}
		out, err := r.iam().CreateOpenIDConnectProvider(ctx, in)
		switch {
		case err == nil:
			r.PhysicalID = out.OpenIDConnectProviderArn
		case r.Retry && isCode(err, "EntityAlreadyExists"):
			_, issuer, _ := strings.Cut(url, "://")
			r.PhysicalID = "arn:aws:iam::" + r.Account + ":oidc-provider/" + strings.TrimSuffix(issuer, "/")
		default:
			return Result{}, err
		}
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	return providerResult(r), nil
}

func providerResult(r *Request) Result {
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Arn", r.PhysicalID)}
}

// Update changes audiences, thumbprints and tags.
func (iamProvider) Update(ctx context.Context, r *Request) (Result, error) {
	wanted, had := list(r.Properties.Get("ClientIdList")), list(r.Previous.Get("ClientIdList"))
	for _, id := range difference(wanted, had) {
		if err := r.iam().AddClientIDToOpenIDConnectProvider(ctx, &iamapi.AddClientIDToOpenIDConnectProviderRequest{OpenIDConnectProviderArn: r.PhysicalID, ClientID: id}); err != nil {
			return Result{}, err
		}
	}
	for _, id := range difference(had, wanted) {
		if err := r.iam().RemoveClientIDFromOpenIDConnectProvider(ctx, &iamapi.RemoveClientIDFromOpenIDConnectProviderRequest{OpenIDConnectProviderArn: r.PhysicalID, ClientID: id}); err != nil {
			return Result{}, err
		}
	}
	if r.Changed("ThumbprintList") {
		in := &iamapi.UpdateOpenIDConnectProviderThumbprintRequest{OpenIDConnectProviderArn: r.PhysicalID, ThumbprintList: list(r.Properties.Get("ThumbprintList"))}
		if err := r.iam().UpdateOpenIDConnectProviderThumbprint(ctx, in); err != nil {
			return Result{}, err
		}
	}
	set, removed := r.tagChange()
	if set != nil {
		if err := r.iam().TagOpenIDConnectProvider(ctx, &iamapi.TagOpenIDConnectProviderRequest{OpenIDConnectProviderArn: r.PhysicalID, Tags: iamTags(set)}); err != nil {
			return Result{}, err
		}
	}
	if removed != nil {
		if err := r.iam().UntagOpenIDConnectProvider(ctx, &iamapi.UntagOpenIDConnectProviderRequest{OpenIDConnectProviderArn: r.PhysicalID, TagKeys: removed}); err != nil {
			return Result{}, err
		}
	}
	return providerResult(r), nil
}

// Delete deletes the provider.
func (iamProvider) Delete(ctx context.Context, r *Request) error {
	return gone(r.iam().DeleteOpenIDConnectProvider(ctx, &iamapi.DeleteOpenIDConnectProviderRequest{OpenIDConnectProviderArn: r.PhysicalID}), "NoSuchEntity")
}

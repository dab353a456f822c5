package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/acmapi"
	"github.com/neargate/neargate/internal/state"
)

// certificate is AWS::CertificateManager::Certificate.
type certificate struct{}

var certificateSchema = &Schema{
	Type: "AWS::CertificateManager::Certificate",
	Properties: Properties{
		"DomainName": String.Required().Replaces(), "SubjectAlternativeNames": Strings.Replaces(), "ValidationMethod": String.Replaces(), "KeyAlgorithm": String.Replaces(),
		"DomainValidationOptions":                  ListOf(Object(Properties{"DomainName": String.Required(), "ValidationDomain": String.Required()})).Replaces(),
		"CertificateTransparencyLoggingPreference": String, "Tags": Tags,
	},
}

// Schema is the type's schema.
func (certificate) Schema() *Schema { return certificateSchema }

func (r *Request) acm() acmapi.API { return acmapi.NewClient(r.Invoker) }

func certificateTags(tags []state.Tag) []acmapi.Tag {
	var out []acmapi.Tag
	for _, t := range tags {
		out = append(out, acmapi.Tag{Key: t.Key, Value: t.Value})
	}
	return out
}

func (r *Request) certificateOptions() *acmapi.CertificateOptions {
	preference := r.Text("CertificateTransparencyLoggingPreference")
	if preference == "" {
		return nil
	}
	return &acmapi.CertificateOptions{CertificateTransparencyLoggingPreference: acmapi.CertificateTransparencyLoggingPreference(preference)}
}

// Create requests the certificate and waits until it is issued. The token finds
// what an earlier attempt made.
func (certificate) Create(ctx context.Context, r *Request) (Result, error) {
	in := &acmapi.RequestCertificateRequest{IdempotencyToken: r.clientToken()[:32], Options: r.certificateOptions(), Tags: certificateTags(r.allTags(r.Properties.Get("Tags")))}
	if err := bind(r.Properties, in, "Tags", "CertificateTransparencyLoggingPreference"); err != nil {
		return Result{}, err
	}
	if r.PhysicalID == "" {
		out, err := r.acm().RequestCertificate(ctx, in)
		if err != nil {
			return Result{}, err
		}
		r.PhysicalID = out.CertificateArn
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	err := r.Wait(ctx, func(ctx context.Context) (bool, error) {
		out, err := r.acm().DescribeCertificate(ctx, &acmapi.DescribeCertificateRequest{CertificateArn: r.PhysicalID})
		if err != nil {
			return false, err
		}
		return out.Certificate.Status == acmapi.CertificateStatusIssued, nil
	})
	return Result{PhysicalID: r.PhysicalID}, err
}

// Update changes the logging preference and the tags.
func (certificate) Update(ctx context.Context, r *Request) (Result, error) {
	if r.Changed("CertificateTransparencyLoggingPreference") {
		options := r.certificateOptions()
		if options == nil {
			options = &acmapi.CertificateOptions{CertificateTransparencyLoggingPreference: acmapi.CertificateTransparencyLoggingPreferenceEnabled}
		}
		if err := r.acm().UpdateCertificateOptions(ctx, &acmapi.UpdateCertificateOptionsRequest{CertificateArn: r.PhysicalID, Options: options}); err != nil {
			return Result{}, err
		}
	}
	set, removed := r.tagChange()
	if set != nil {
		if err := r.acm().AddTagsToCertificate(ctx, &acmapi.AddTagsToCertificateRequest{CertificateArn: r.PhysicalID, Tags: certificateTags(set)}); err != nil {
			return Result{}, err
		}
	}
	if removed != nil {
		var tags []acmapi.Tag
		for _, key := range removed {
			tags = append(tags, acmapi.Tag{Key: key})
		}
		if err := r.acm().RemoveTagsFromCertificate(ctx, &acmapi.RemoveTagsFromCertificateRequest{CertificateArn: r.PhysicalID, Tags: tags}); err != nil {
			return Result{}, err
		}
	}
	return Result{PhysicalID: r.PhysicalID}, nil
}

// Delete deletes the certificate.
func (certificate) Delete(ctx context.Context, r *Request) error {
	return gone(r.acm().DeleteCertificate(ctx, &acmapi.DeleteCertificateRequest{CertificateArn: r.PhysicalID}), "ResourceNotFoundException")
}

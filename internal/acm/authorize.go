package acm

import (
	"reflect"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/acmapi"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// Authorization is which permission each operation needs:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscertificatemanager.html
func (s *Service) Authorization() authorize.Service {
	rules := map[string][]authorize.Rule{}
	for operation := range acmapi.Model.Operations {
		rules[operation] = []authorize.Rule{{Action: "acm:" + operation, Resources: certificateOf, Conditions: conditions}}
	}
	rules["ListCertificates"] = []authorize.Rule{{Action: "acm:ListCertificates"}}
	authorize.TagOnCreate(rules, "acm:AddTagsToCertificate", "", nil, "RequestCertificate", "ImportCertificate")
	return authorize.Service{Rules: rules, ResourceTags: s.resourceTags}
}

// certificateOf is the certificate of a request; one that is yet to be made is any.
func certificateOf(id caller.Identity, in any) []string {
	if f := reflect.ValueOf(in).Elem().FieldByName("CertificateArn"); f.IsValid() && f.String() != "" {
		return []string{f.String()}
	}
	return []string{arn.Format("acm", id.Region, id.Account, "certificate/*")}
}

func (s *Service) resourceTags(id caller.Identity, resource string) map[string]string {
	c, err := s.find(s.DB.Read(), id, resource)
	if err != nil {
		return nil
	}
	return state.TagMap(c.Tags)
}

func conditions(_ caller.Identity, in any) map[string][]string {
	out := map[string][]string{}
	add := func(tags []acmapi.Tag) {
		for _, t := range tags {
			out["aws:RequestTag/"+t.Key] = []string{t.Value}
			out["aws:TagKeys"] = append(out["aws:TagKeys"], t.Key)
		}
	}
	switch in := in.(type) {
	case *acmapi.RequestCertificateRequest:
		add(in.Tags)
		out["acm:DomainNames"] = append([]string{in.DomainName}, in.SubjectAlternativeNames...)
		if in.ValidationMethod != "" {
			out["acm:ValidationMethod"] = []string{string(in.ValidationMethod)}
		}
		if in.KeyAlgorithm != "" {
			out["acm:KeyAlgorithm"] = []string{string(in.KeyAlgorithm)}
		}
		if in.Options != nil && in.Options.CertificateTransparencyLoggingPreference != "" {
			out["acm:CertificateTransparencyLogging"] = []string{string(in.Options.CertificateTransparencyLoggingPreference)}
		}
	case *acmapi.ImportCertificateRequest:
		add(in.Tags)
	case *acmapi.AddTagsToCertificateRequest:
		add(in.Tags)
	case *acmapi.RemoveTagsFromCertificateRequest:
		add(in.Tags)
	}
	return out
}

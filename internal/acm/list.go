package acm

import (
	"cmp"
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/acmapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// usualTypes are the keys whose certificates are listed unless others are asked for.
var usualTypes = []acmapi.KeyAlgorithm{acmapi.KeyAlgorithmRsa1024, acmapi.KeyAlgorithmRsa2048}

// maxNamesListed is how many alternative names a listed certificate has.
const maxNamesListed = 100

// ListCertificates lists certificates; those with other keys than RSA of 1024 and
// 2048 bits only if Includes.keyTypes asks for them, as on AWS.
func (s *Service) ListCertificates(ctx context.Context, in *acmapi.ListCertificatesRequest) (*acmapi.ListCertificatesResponse, error) {
	if (in.SortBy == "") != (in.SortOrder == "") {
		return nil, invalid("SortBy and SortOrder must be given together.")
	}
	after, err := readToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	id, tx := caller.From(ctx), s.DB.Read()
	var all []*state.Certificate
	for c := range state.Certificates.All(tx, state.Prefix(id.Account, id.Region)) {
		if len(in.CertificateStatuses) > 0 && !slices.Contains(in.CertificateStatuses, s.status(c)) {
			continue
		}
		all = append(all, c)
	}
	order := func(a, b *state.Certificate) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	}
	if in.SortOrder == acmapi.SortOrderDescending {
		ascending := order
		order = func(a, b *state.Certificate) int { return ascending(b, a) }
	}
	slices.SortFunc(all, order)
	if after != nil {
		all = slices.DeleteFunc(all, func(c *state.Certificate) bool { return order(c, after) <= 0 })
	}
	out := &acmapi.ListCertificatesResponse{CertificateSummaryList: []acmapi.CertificateSummary{}}
	var last *state.Certificate
	for _, c := range all {
		summary, err := s.summary(tx, c)
		if err != nil {
			return nil, err
		}
		if !included(summary, in.Includes) {
			continue
		}
		if len(out.CertificateSummaryList) == int(wire.Or(in.MaxItems, 1000)) {
			out.NextToken = token(last)
			break
		}
		out.CertificateSummaryList = append(out.CertificateSummaryList, summary)
		last = c
	}
	return out, nil
}

// token names the last certificate of a page by what lists are ordered by.
func token(c *state.Certificate) string {
	return base64.RawURLEncoding.EncodeToString([]byte(c.CreatedAt.Format(time.RFC3339) + " " + c.ID))
}

func readToken(token string) (*state.Certificate, error) {
	if token == "" {
		return nil, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	at, id, _ := strings.Cut(string(text), " ")
	created, timeErr := time.Parse(time.RFC3339, at)
	if err != nil || timeErr != nil {
		return nil, &acmapi.InvalidArgsException{Message: "The NextToken is not valid."}
	}
	return &state.Certificate{CreatedAt: created, ID: id}, nil
}

func (s *Service) summary(tx *store.Tx, c *state.Certificate) (acmapi.CertificateSummary, error) {
	d, err := s.describe(tx, c)
	if err != nil {
		return acmapi.CertificateSummary{}, err
	}
	out := acmapi.CertificateSummary{
		CertificateArn: d.CertificateArn, DomainName: d.DomainName, SubjectAlternativeNameSummaries: d.SubjectAlternativeNames[:min(len(d.SubjectAlternativeNames), maxNamesListed)],
		HasAdditionalSubjectAlternativeNames: new(len(d.SubjectAlternativeNames) > maxNamesListed), Status: d.Status, Type: d.Type, KeyAlgorithm: d.KeyAlgorithm,
		ExportOption: d.Options.Export, InUse: new(len(d.InUseBy) > 0), RenewalEligibility: d.RenewalEligibility, NotBefore: d.NotBefore, NotAfter: d.NotAfter,
		CreatedAt: d.CreatedAt, IssuedAt: d.IssuedAt, ImportedAt: d.ImportedAt, KeyUsages: []acmapi.KeyUsageName{}, ExtendedKeyUsages: []acmapi.ExtendedKeyUsageName{},
	}
	for _, u := range d.KeyUsages {
		out.KeyUsages = append(out.KeyUsages, u.Name)
	}
	for _, u := range d.ExtendedKeyUsages {
		out.ExtendedKeyUsages = append(out.ExtendedKeyUsages, u.Name)
	}
	return out, nil
}

// included applies the filters; a certificate passes one that has any of the wanted values.
func included(c acmapi.CertificateSummary, f *acmapi.Filters) bool {
	if f == nil {
		f = &acmapi.Filters{}
	}
	types := f.KeyTypes
	if len(types) == 0 {
		types = usualTypes
	}
	return slices.Contains(types, c.KeyAlgorithm) && shared(f.KeyUsage, c.KeyUsages) && shared(f.ExtendedKeyUsage, c.ExtendedKeyUsages) &&
		(f.ExportOption == "" || f.ExportOption == c.ExportOption) && f.ManagedBy == c.ManagedBy
}

func shared[T comparable](wanted, have []T) bool {
	return len(wanted) == 0 || slices.ContainsFunc(wanted, func(v T) bool { return slices.Contains(have, v) })
}

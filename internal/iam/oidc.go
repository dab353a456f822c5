package iam

import (
	"context"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const (
	maxOIDCProviders = 100
	maxClientIDs     = 100
	maxThumbprints   = 5
)

// issuerOf checks an issuer's URL and returns it without its scheme. AWS wants
// https; issuers on this machine's loopback may do without, for tests.
func issuerOf(text string) (issuer string, plain bool, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", false, validation("Invalid Open ID Connect Provider URL")
	}
	issuer = strings.TrimSuffix(u.Host+u.Path, "/")
	switch {
	case u.Scheme == "https":
		return issuer, false, nil
	case u.Scheme == "http" && onLoopback(u.Hostname()):
		return issuer, true, nil
	}
	return "", false, validation("Invalid Open ID Connect Provider URL")
}

func onLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

func providerOf(tx *store.Tx, account, providerARN string) (*state.OIDCProvider, error) {
	p, ok := state.OIDCProviders.Get(tx, providerARN)
	if !ok || p.Account != account {
		return nil, noSuchEntity("OpenIDConnect Provider not found for arn %s", providerARN)
	}
	return p, nil
}

// changeProvider applies f to a copy of the caller's provider and stores it.
func (s *Service) changeProvider(ctx context.Context, providerARN string, f func(*state.OIDCProvider) error) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		old, err := providerOf(tx, caller.From(ctx).Account, providerARN)
		if err != nil {
			return err
		}
		p := *old
		if err := f(&p); err != nil {
			return err
		}
		state.OIDCProviders.Put(tx, &p)
		return nil
	})
}

// CreateOpenIDConnectProvider trusts an issuer of web identities.
func (s *Service) CreateOpenIDConnectProvider(ctx context.Context, in *iamapi.CreateOpenIDConnectProviderRequest) (*iamapi.CreateOpenIDConnectProviderResponse, error) {
	issuer, plain, err := issuerOf(in.Url)
	if err != nil {
		return nil, err
	}
	tags, err := newTags(ctx, in.Tags)
	if err != nil {
		return nil, err
	}
	p := &state.OIDCProvider{
		Account: caller.From(ctx).Account, URL: issuer, Plain: plain, ClientIDs: slices.Compact(slices.Sorted(slices.Values(in.ClientIDList))),
		Thumbprints: in.ThumbprintList, CreatedAt: s.now(), Tags: tags,
	}
	if err := checkProvider(p); err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if _, taken := state.OIDCProviders.Get(tx, p.ARN()); taken {
			return alreadyExists("Provider with url %s already exists.", in.Url)
		}
		n := 0
		for range state.OIDCProviders.By(tx, "account", p.Account) {
			if n++; n >= maxOIDCProviders {
				return limitExceeded("Cannot exceed quota for OpenIdConnectProvidersPerAccount: %d", maxOIDCProviders)
			}
		}
		state.OIDCProviders.Put(tx, p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.CreateOpenIDConnectProviderResponse{OpenIDConnectProviderArn: p.ARN(), Tags: tagsOut(p.Tags)}, nil
}

func checkProvider(p *state.OIDCProvider) error {
	switch {
	case len(p.ClientIDs) > maxClientIDs:
		return limitExceeded("Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: %d", maxClientIDs)
	case len(p.Thumbprints) > maxThumbprints:
		return invalidInput("Thumbprint list must contain fewer than %d entries.", maxThumbprints)
	}
	for _, t := range p.Thumbprints {
		if strings.Trim(strings.ToLower(t), "0123456789abcdef") != "" {
			return invalidInput("Invalid thumbprint: %s", t)
		}
	}
	return nil
}

// GetOpenIDConnectProvider tells about a provider.
func (s *Service) GetOpenIDConnectProvider(ctx context.Context, in *iamapi.GetOpenIDConnectProviderRequest) (*iamapi.GetOpenIDConnectProviderResponse, error) {
	p, err := providerOf(s.db.Read(), caller.From(ctx).Account, in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, err
	}
	return &iamapi.GetOpenIDConnectProviderResponse{Url: p.URL, ClientIDList: p.ClientIDs, ThumbprintList: p.Thumbprints, CreateDate: p.CreatedAt, Tags: tagsOut(p.Tags)}, nil
}

// ListOpenIDConnectProviders lists the account's providers; AWS has no pages here.
func (s *Service) ListOpenIDConnectProviders(ctx context.Context, _ *iamapi.ListOpenIDConnectProvidersRequest) (*iamapi.ListOpenIDConnectProvidersResponse, error) {
	out := &iamapi.ListOpenIDConnectProvidersResponse{OpenIDConnectProviderList: []iamapi.OpenIDConnectProviderListEntry{}}
	for p := range state.OIDCProviders.By(s.db.Read(), "account", caller.From(ctx).Account) {
		out.OpenIDConnectProviderList = append(out.OpenIDConnectProviderList, iamapi.OpenIDConnectProviderListEntry{Arn: p.ARN()})
	}
	return out, nil
}

// DeleteOpenIDConnectProvider forgets a provider; one that is not there is forgotten already.
func (s *Service) DeleteOpenIDConnectProvider(ctx context.Context, in *iamapi.DeleteOpenIDConnectProviderRequest) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if p, err := providerOf(tx, caller.From(ctx).Account, in.OpenIDConnectProviderArn); err == nil {
			state.OIDCProviders.Delete(tx, p.ARN())
		}
		return nil
	})
}

// AddClientIDToOpenIDConnectProvider accepts tokens for one more audience.
func (s *Service) AddClientIDToOpenIDConnectProvider(ctx context.Context, in *iamapi.AddClientIDToOpenIDConnectProviderRequest) error {
	return s.changeProvider(ctx, in.OpenIDConnectProviderArn, func(p *state.OIDCProvider) error {
		if !slices.Contains(p.ClientIDs, in.ClientID) {
			p.ClientIDs = append(slices.Clone(p.ClientIDs), in.ClientID)
		}
		return checkProvider(p)
	})
}

// RemoveClientIDFromOpenIDConnectProvider no longer accepts tokens for an audience.
func (s *Service) RemoveClientIDFromOpenIDConnectProvider(ctx context.Context, in *iamapi.RemoveClientIDFromOpenIDConnectProviderRequest) error {
	return s.changeProvider(ctx, in.OpenIDConnectProviderArn, func(p *state.OIDCProvider) error {
		p.ClientIDs = without(p.ClientIDs, func(id string) bool { return id == in.ClientID })
		return nil
	})
}

// UpdateOpenIDConnectProviderThumbprint replaces the thumbprints.
func (s *Service) UpdateOpenIDConnectProviderThumbprint(ctx context.Context, in *iamapi.UpdateOpenIDConnectProviderThumbprintRequest) error {
	return s.changeProvider(ctx, in.OpenIDConnectProviderArn, func(p *state.OIDCProvider) error {
		p.Thumbprints = in.ThumbprintList
		return checkProvider(p)
	})
}

// TagOpenIDConnectProvider adds or replaces tags of a provider.
func (s *Service) TagOpenIDConnectProvider(ctx context.Context, in *iamapi.TagOpenIDConnectProviderRequest) error {
	return s.changeProvider(ctx, in.OpenIDConnectProviderArn, func(p *state.OIDCProvider) (err error) {
		p.Tags, err = withTags(ctx, p.Tags, in.Tags)
		return err
	})
}

// UntagOpenIDConnectProvider removes tags of a provider.
func (s *Service) UntagOpenIDConnectProvider(ctx context.Context, in *iamapi.UntagOpenIDConnectProviderRequest) error {
	return s.changeProvider(ctx, in.OpenIDConnectProviderArn, func(p *state.OIDCProvider) error {
		p.Tags = withoutTags(p.Tags, in.TagKeys)
		return nil
	})
}

// ListOpenIDConnectProviderTags lists the tags of a provider.
func (s *Service) ListOpenIDConnectProviderTags(ctx context.Context, in *iamapi.ListOpenIDConnectProviderTagsRequest) (*iamapi.ListOpenIDConnectProviderTagsResponse, error) {
	p, err := providerOf(s.db.Read(), caller.From(ctx).Account, in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, err
	}
	tags, truncated, marker, err := page(tagsOut(p.Tags), tagKey, in.Marker, in.MaxItems)
	return &iamapi.ListOpenIDConnectProviderTagsResponse{Tags: tags, IsTruncated: truncated, Marker: marker}, err
}

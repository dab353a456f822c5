package registry

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/blob"
)

// tokenValidity is how long an anonymous token is good for, as on Docker Hub.
const tokenValidity = 300 * time.Second

// Public serves the public registries that the shelf stands for, by the Host of
// the request, with anonymous tokens as they give them, and with tokens for those
// who log in to private repositories (see Protect). Nothing can be pushed.
type Public struct {
	shelf *Shelf
	blobs *blob.Store
	key   []byte
	now   func() time.Time
	log   *slog.Logger
}

// NewPublic returns the registries of a shelf; key signs their tokens.
func NewPublic(shelf *Shelf, blobs *blob.Store, key []byte, now func() time.Time, log *slog.Logger) *Public {
	return &Public{shelf: shelf, blobs: blobs, key: key, now: now, log: log}
}

// Hosts are the DNS names that Public answers at this moment: those of Docker
// Hub and of ECR Public always, others when an image of theirs is loaded.
func (p *Public) Hosts() []string {
	hosts := []string{"auth.docker.io", "index.docker.io", "public.ecr.aws", "registry-1.docker.io"}
	for _, l := range p.shelf.List() {
		if ref, err := ParseReference(l.Name); err == nil && ref.Host != "docker.io" {
			hosts = append(hosts, ref.Host)
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// site is how one registry presents itself.
type site struct {
	host           string // as in image names
	realm, service string // of its token endpoint
	scoped         bool   // tokens name repositories, as on Docker Hub
}

func siteOf(host string) site {
	switch host {
	case "docker.io", "index.docker.io", "registry-1.docker.io", "auth.docker.io":
		return site{host: "docker.io", realm: "https://auth.docker.io/token", service: "registry.docker.io", scoped: true}
	case "public.ecr.aws":
		return site{host: host, realm: "https://public.ecr.aws/token/", service: "public.ecr.aws"}
	}
	return site{host: host, realm: "https://" + host + "/token", service: host, scoped: true}
}

// ServeHTTP answers a request to one of the registries or its token endpoint.
func (p *Public) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host := strings.ToLower(r.Host)
	if name, _, err := net.SplitHostPort(host); err == nil && !slices.Contains(p.Hosts(), host) {
		host = name
	}
	site := siteOf(host)
	if strings.TrimSuffix(r.URL.Path, "/") == "/token" {
		p.token(w, r, site)
		return
	}
	server := &Server{
		Name: site.host, Backend: p.shelf.Backend(site.host), Blobs: p.blobs, Log: p.log,
		Authorize: func(r *http.Request, op Operation, repository string) (context.Context, error) {
			return r.Context(), p.authorize(r, site, op, repository)
		},
	}
	server.ServeHTTP(w, r)
}

// grant is what a token says.
type grant struct {
	Host    string    `json:"host"`
	Pull    []string  `json:"pull,omitempty"` // repositories
	Expires time.Time `json:"exp"`
}

func (p *Public) token(w http.ResponseWriter, r *http.Request, site site) {
	visitor, ok := p.shelf.visitor(r, site.host)
	if !ok {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		json.NewEncoder(w).Encode(map[string]string{"details": "incorrect username or password"})
		return
	}
	now := p.now().UTC()
	g := grant{Host: site.host, Expires: now.Add(tokenValidity)}
	known, _ := p.shelf.Backend(site.host).Repositories(r.Context())
	for _, scope := range r.URL.Query()["scope"] {
		for _, one := range strings.Fields(scope) {
			parts := strings.Split(one, ":")
			if len(parts) == 3 && parts[0] == "repository" && slices.Contains(known, parts[1]) && (visitor.may[parts[1]] || !p.shelf.private(site.host, parts[1])) {
				g.Pull = append(g.Pull, parts[1])
			}
		}
	}
	raw, _ := json.Marshal(g)
	body := base64.RawURLEncoding.EncodeToString(raw)
	token := body + "." + p.mac(body)
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{
		"token": token, "access_token": token,
		"expires_in": int(tokenValidity / time.Second), "issued_at": now.Format(time.RFC3339),
	})
}

func (p *Public) mac(body string) string {
	mac := hmac.New(sha256.New, p.key)
	mac.Write([]byte(body))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (p *Public) authorize(r *http.Request, site site, op Operation, repository string) error {
	challenge := "Bearer realm=" + strconv.Quote(site.realm) + ",service=" + strconv.Quote(site.service)
	switch {
	case !site.scoped:
		challenge += `,scope="aws"`
	case repository != "":
		challenge += `,scope="repository:` + repository + `:` + scopeAction(op) + `"`
	}
	denied := NewError(http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
	denied.Challenge = challenge

	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return denied
	}
	g, ok := p.open(token)
	if !ok || g.Host != site.host {
		return denied
	}
	if repository == "" || !site.scoped && scopeAction(op) == "pull" && !p.shelf.private(site.host, repository) {
		return nil
	}
	if !slices.Contains(g.Pull, repository) || scopeAction(op) != "pull" {
		denied.Challenge += `,error="insufficient_scope"`
		return denied
	}
	return nil
}

func (p *Public) open(token string) (g grant, ok bool) {
	body, mac, ok := strings.Cut(token, ".")
	if !ok || !hmac.Equal([]byte(mac), []byte(p.mac(body))) {
		return g, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || json.Unmarshal(raw, &g) != nil {
		return g, false
	}
	return g, p.now().Before(g.Expires)
}

func scopeAction(op Operation) string {
	switch op {
	case PutManifest, StartUpload, WriteUpload, FinishUpload:
		return "pull,push"
	}
	return "pull"
}

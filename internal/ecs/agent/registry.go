package agent

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

const maxManifest = 4 << 20 // bytes

// manifestTypes are what the agent can read.
const manifestTypes = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, " +
	"application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json"

// source is a repository of a registry, as one container's image needs it.
type source struct {
	client     *client
	host       string // to connect to
	repository string
	login      string // user:password, "" for none

	mu    sync.Mutex
	token string // bearer token, once the registry asked for one
}

var challenge = regexp.MustCompile(`([a-z]+)="([^"]*)"`)

// get makes a request below /v2/REPOSITORY/. When the registry asks for a token
// it gets one, as Docker does, and asks again.
func (s *source) get(ctx context.Context, method, path, accept, bytes string) (*http.Response, error) {
	for range 2 {
		r, err := http.NewRequestWithContext(ctx, method, "https://"+s.host+"/v2/"+s.repository+"/"+path, nil)
		if err != nil {
			return nil, err
		}
		r.Header.Set("User-Agent", userAgent)
		if accept != "" {
			r.Header.Set("Accept", accept)
		}
		if bytes != "" {
			r.Header.Set("Range", "bytes="+bytes)
		}
		s.mu.Lock()
		token := s.token
		s.mu.Unlock()
		switch {
		case token != "":
			r.Header.Set("Authorization", "Bearer "+token)
		case s.login != "":
			r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(s.login)))
		}
		answer, err := s.client.do(r)
		if err != nil {
			return nil, err
		}
		ask := answer.Header.Get("Www-Authenticate")
		if answer.StatusCode != http.StatusUnauthorized || token != "" || !strings.HasPrefix(strings.ToLower(ask), "bearer ") {
			return answer, nil
		}
		answer.Body.Close()
		if err := s.authenticate(ctx, ask); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("unreachable")
}

// authenticate gets a bearer token from the server that the challenge names.
func (s *source) authenticate(ctx context.Context, ask string) error {
	fields := map[string]string{}
	for _, m := range challenge.FindAllStringSubmatch(ask, -1) {
		fields[m[1]] = m[2]
	}
	realm, err := url.Parse(fields["realm"])
	if err != nil || realm.Scheme != "https" {
		return errors.New("the registry names no server for tokens that speaks https")
	}
	query := realm.Query()
	query.Set("service", fields["service"])
	query.Set("scope", "repository:"+s.repository+":pull")
	realm.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, realm.String(), nil)
	if err != nil {
		return err
	}
	if user, password, ok := strings.Cut(s.login, ":"); ok {
		r.SetBasicAuth(user, password)
	}
	answer, err := s.client.do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var out struct {
		Token       string `json:"token"`
		AccessToken string `json:"access_token"`
	}
	if answer.StatusCode != http.StatusOK {
		return &tokenError{realm.String(), answer.StatusCode, answer.Status}
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(&out); err != nil {
		return err
	}
	if out.Token == "" {
		out.Token = out.AccessToken
	}
	s.mu.Lock()
	s.token = out.Token
	s.mu.Unlock()
	return nil
}

// statusError is an answer of a registry that is not success.
type statusError struct{ status string }

func (e *statusError) Error() string { return "unexpected status: " + e.status }

// tokenError is an answer of a registry's token server that is not success.
type tokenError struct {
	url    string
	code   int
	status string
}

func (e *tokenError) Error() string {
	return "failed to authorize: failed to fetch oauth token: unexpected status from GET request to " + e.url + ": " + e.status
}

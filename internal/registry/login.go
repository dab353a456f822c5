package registry

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
)

// Login protects a repository on the shelf: a registry gives a token for it only
// to who knows the user name and the password. The password itself is not kept.
type Login struct {
	Host, Repository string
	User             string
	Salt, Hash       []byte
}

// rounds of PBKDF2: some 20 ms, once per pull.
const rounds = 100_000

func hashed(password string, salt []byte) ([]byte, error) {
	return pbkdf2.Key(sha256.New, password, salt, rounds, 32)
}

// Protect makes a repository private, whatever is loaded into it. name is that of
// an image; user and password must not be empty.
func (s *Shelf) Protect(name, user, password string) error {
	ref, err := ParseReference(name)
	if err != nil {
		return err
	}
	if user == "" || password == "" {
		return fmt.Errorf("a private repository needs a user name and a password")
	}
	l := Login{Host: ref.Host, Repository: ref.Repository, User: user, Salt: make([]byte, 16)}
	rand.Read(l.Salt)
	if l.Hash, err = hashed(password, l.Salt); err != nil {
		return err
	}
	raw, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if err := s.replace(s.loginFile(ref), raw); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logins[ref.Host+"/"+ref.Repository] = l
	return nil
}

func (s *Shelf) loginFile(ref Reference) string {
	return filepath.Join(s.dir, digest.FromString(ref.Host+"/"+ref.Repository).Encoded()+".login")
}

// readLogins reads what Protect wrote.
func (s *Shelf) readLogins() error {
	files, err := filepath.Glob(filepath.Join(s.dir, "*.login"))
	if err != nil {
		return err
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var l Login
		if err := json.Unmarshal(raw, &l); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		s.logins[l.Host+"/"+l.Repository] = l
	}
	return nil
}

// visitor is who asks a registry for a token: nobody in particular, or somebody
// whose password was right for some repositories.
type visitor struct {
	user string
	may  map[string]bool // private repositories, by name without host
}

// visitor checks the credentials of a request to a registry. ok is false when
// they fit no repository of it.
func (s *Shelf) visitor(r *http.Request, host string) (v visitor, ok bool) {
	user, password, given := r.BasicAuth()
	if !given {
		return visitor{}, true
	}
	v = visitor{user: user, may: map[string]bool{}}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, l := range s.logins {
		if l.Host != host || l.User != user {
			continue
		}
		hash, err := hashed(password, l.Salt)
		if err == nil && subtle.ConstantTimeCompare(hash, l.Hash) == 1 {
			v.may[l.Repository] = true
		}
	}
	return v, len(v.may) > 0
}

// private reports whether a repository needs a login.
func (s *Shelf) private(host, repository string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok := s.logins[host+"/"+repository]
	return ok
}

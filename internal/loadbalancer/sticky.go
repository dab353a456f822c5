package loadbalancer

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer/http1"
	"github.com/neargate/neargate/internal/loadbalancer/rule"
)

// Names of stickiness cookies, AWS's.
const (
	targetCookie = "AWSALB"
	groupCookie  = "AWSALBTG"
	appCookie    = "AWSALBAPP-0"
	corsSuffix   = "CORS"
	removed      = "_remove_"
)

// What a cookie pins.
const (
	pinTarget = 't'
	pinGroup  = 'g'
	pinApp    = 'a'
)

// jar seals and opens what cookies hold: clients can neither read nor forge it.
type jar struct{ cipher.AEAD }

func newJar(key []byte) (jar, error) {
	if key == nil {
		key = make([]byte, 32)
		_, _ = rand.Read(key)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return jar{}, err
	}
	aead, err := cipher.NewGCM(block)
	return jar{aead}, err
}

func shortHash(s string) []byte {
	h := sha256.Sum256([]byte(s))
	return h[:8]
}

// seal makes the value of a cookie that pins a client to a target of a group, or to a group.
func (j jar) seal(kind byte, group, addr string, until time.Time) string {
	nonce := make([]byte, 12, 96)
	_, _ = rand.Read(nonce)
	plain := append([]byte{kind}, shortHash(group)...)
	plain = binary.BigEndian.AppendUint64(plain, uint64(until.Unix()))
	plain = append(plain, addr...)
	return base64.StdEncoding.EncodeToString(j.Seal(nonce, nonce, plain, nil))
}

// open returns the group's hash and the address in a cookie of a kind that has not ended.
func (j jar) open(kind byte, value string, now time.Time) (group, addr string, ok bool) {
	b, err := base64.StdEncoding.DecodeString(value)
	if err != nil || len(b) < 12 {
		return "", "", false
	}
	plain, err := j.Open(nil, b[:12], b[12:], nil)
	if err != nil || len(plain) < 17 || plain[0] != kind || int64(binary.BigEndian.Uint64(plain[9:])) < now.Unix() {
		return "", "", false
	}
	return string(plain[1:9]), string(plain[17:]), true
}

// cookie returns the value of the first cookie called name.
func cookie(fields []http1.Field, name string) string {
	for i := range fields {
		if fields[i].Kind != http1.Cookie {
			continue
		}
		for pair := range strings.SplitSeq(fields[i].Value, ";") {
			if k, v, ok := strings.Cut(strings.TrimLeft(pair, " "), "="); ok && k == name {
				return v
			}
		}
	}
	return ""
}

// stuckGroup returns the group of a forward action that the client's cookie names.
func (j jar) stuckGroup(f *rule.ForwardTo, fields []http1.Field, now time.Time) string {
	value := cookie(fields, groupCookie)
	if value == "" {
		value = cookie(fields, groupCookie+corsSuffix)
	}
	hash, _, ok := j.open(pinGroup, value, now)
	if !ok {
		return ""
	}
	for _, w := range f.Groups {
		if string(shortHash(w.Group)) == hash {
			return w.Group
		}
	}
	return ""
}

// stuckTarget returns the member that the client's cookie names, nil when it may
// get no requests any more.
func (j jar) stuckTarget(g *group, zone string, fields []http1.Field, now time.Time) *member {
	kind, names := byte(pinTarget), []string{targetCookie, targetCookie + corsSuffix}
	if g.Stickiness.Type == AppCookie {
		kind, names = pinApp, []string{appCookie}
	}
	for _, name := range names {
		hash, addr, ok := j.open(kind, cookie(fields, name), now)
		if ok && hash == string(shortHash(g.ID)) {
			return g.find(zone, addr)
		}
	}
	return nil
}

// targetCookies returns the Set-Cookie values that keep a client at m. stuck says
// that a cookie had led it there.
func (j jar) targetCookies(g *group, m *member, response []http1.Field, stuck, secure bool, now time.Time) []string {
	switch g.Stickiness.Type {
	case LBCookie:
		return pinned(targetCookie, j.seal(pinTarget, g.ID, m.name(), now.Add(g.Stickiness.Duration)), secure, now)
	case AppCookie:
		value := removed
		if stuck || setsCookie(response, g.Stickiness.Cookie) {
			value = j.seal(pinApp, g.ID, m.name(), now.Add(g.Stickiness.Duration))
		}
		out := []string{"AWSALBAPP-0=" + value + expires(now)}
		for _, n := range []string{"1", "2", "3"} {
			out = append(out, "AWSALBAPP-"+n+"="+removed+expires(now))
		}
		return out
	}
	return nil
}

// groupCookies keep a client at a target group for a while.
func (j jar) groupCookies(group string, d time.Duration, secure bool, now time.Time) []string {
	return pinned(groupCookie, j.seal(pinGroup, group, "", now.Add(d)), secure, now)
}

// pinned makes a cookie and its copy for cross-origin requests.
func pinned(name, value string, secure bool, now time.Time) []string {
	cors := name + corsSuffix + "=" + value + expires(now) + "; SameSite=None"
	if secure {
		cors += "; Secure"
	}
	return []string{name + "=" + value + expires(now), cors}
}

func expires(now time.Time) string {
	return "; Expires=" + now.Add(cookieLife).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT") + "; Path=/"
}

func setsCookie(fields []http1.Field, name string) bool {
	for i := range fields {
		if fields[i].Kind == http1.SetCookie && strings.HasPrefix(fields[i].Value, name+"=") {
			return true
		}
	}
	return false
}

package oidc

import (
	"strconv"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer/rule"
)

// NonceCookie binds a sign-in to the client that began it.
const NonceCookie = "AWSALBAuthNonce"

// Browsers keep cookies of at most 4 KiB, name and attributes included, so that a
// longer session is cut into shards.
const (
	shardSize = 3800
	maxShards = 8
)

// joined is the value of a cookie that may be cut into shards: NAME-0, NAME-1 ...
func joined(name string, cookie func(name string) string) string {
	all := ""
	for i := range maxShards {
		shard := cookie(shardName(name, i))
		if shard == "" || shard == gone {
			break
		}
		all += shard
	}
	return all
}

// gone is the value of a shard that a shorter session has left over.
const gone = "_remove_"

func shardName(name string, i int) string { return name + "-" + strconv.Itoa(i) }

// Cookies are the values of Set-Cookie that give a client its session. Shards that
// it has from before are taken away.
func (k Keeper) Cookies(balancer string, p *rule.OIDC, s *Session, cookie func(name string) string, now time.Time) []string {
	value := k.seal(s, "session"+string(use(balancer, p)))
	var out []string
	for i := range maxShards {
		name := shardName(p.Cookie, i)
		switch {
		case value != "":
			n := min(len(value), shardSize)
			out = append(out, set(name, value[:n], s.Until))
			value = value[n:]
		case cookie(name) != "":
			out = append(out, set(name, gone, now.Add(-time.Hour)))
		}
	}
	return out
}

func set(name, value string, until time.Time) string {
	return name + "=" + value + "; Expires=" + until.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT") + "; Path=/; Secure; HttpOnly"
}

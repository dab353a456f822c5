package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"sync"
)

// scopeKey names a signing key: a secret within a credential scope.
type scopeKey struct{ secret, date, region, service string }

// keyCache remembers derived signing keys: four HMACs saved per request.
type keyCache struct {
	mu   sync.RWMutex
	keys map[scopeKey][]byte
}

// maxKeys bounds the cache. Whoever has a valid key can name any region and
// service; when the cache is full it starts again.
const maxKeys = 4096

func (c *keyCache) get(k scopeKey) []byte {
	c.mu.RLock()
	key, ok := c.keys[k]
	c.mu.RUnlock()
	if ok {
		return key
	}
	key = signingKey(k)
	c.mu.Lock()
	if c.keys == nil || len(c.keys) >= maxKeys {
		c.keys = make(map[scopeKey][]byte)
	}
	c.keys[k] = key
	c.mu.Unlock()
	return key
}

func signingKey(k scopeKey) []byte {
	key := mac([]byte("AWS4"+k.secret), k.date)
	key = mac(key, k.region)
	key = mac(key, k.service)
	return mac(key, terminator)
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

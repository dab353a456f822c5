// Package ids makes identifiers in the forms that AWS uses.
//
// Everything random in Neargate that a user can see comes from here, so that
// there is one place to look for what an id looks like. It imports nothing of ours.
package ids

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math/big"

	"github.com/google/uuid"
)

// New returns an EC2-style id: the prefix, a hyphen, "0" and 16 hex digits,
// for example vpc-0a1b2c3d4e5f60718.
func New(prefix string) string { return prefix + "-0" + Hex(16) }

// Hex returns n random lower-case hex digits.
func Hex(n int) string {
	b := make([]byte, (n+1)/2)
	rand.Read(b)
	return hex.EncodeToString(b)[:n]
}

// UUID returns a random (version 4) UUID in its usual spelling.
func UUID() string { return uuid.NewString() }

// Upper returns n random characters of A-Z and 0-9, the alphabet of
// CloudFormation's physical names and of access key ids (which use 2-7 only in
// real life; clients do not look).
func Upper(n int) string { return pick("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", n) }

// Lower returns n random characters of a-z and 0-9, as in bucket names that
// CloudFormation makes.
func Lower(n int) string { return pick("abcdefghijklmnopqrstuvwxyz0123456789", n) }

// Mixed returns n random letters and digits, as in secret suffixes and tokens.
func Mixed(n int) string {
	return pick("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", n)
}

// Digits returns n random decimal digits without a leading zero, as in
// ecs-svc/1234567890123456789.
func Digits(n int) string { return pick("123456789", 1) + pick("0123456789", n-1) }

func pick(alphabet string, n int) string {
	out := make([]byte, n)
	size := big.NewInt(int64(len(alphabet)))
	for i := range out {
		k, err := rand.Int(rand.Reader, size)
		if err != nil {
			panic(fmt.Sprintf("reading random bytes: %v", err))
		}
		out[i] = alphabet[k.Int64()]
	}
	return string(out)
}

// Named returns the UUID that a name always has.
func Named(name string) string { return uuid.NewSHA1(uuid.NameSpaceOID, []byte(name)).String() }

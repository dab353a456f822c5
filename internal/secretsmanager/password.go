package secretsmanager

import (
	"context"
	"crypto/rand"
	"math/big"
	"strings"

	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/wire"
)

// Characters of passwords, by kind.
const (
	lowercase   = "abcdefghijklmnopqrstuvwxyz"
	uppercase   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	numbers     = "0123456789"
	punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
)

// GetRandomPassword makes a password; by default with a character of each kind.
func (s *Service) GetRandomPassword(_ context.Context, in *secretsmanagerapi.GetRandomPasswordRequest) (*secretsmanagerapi.GetRandomPasswordResponse, error) {
	var kinds []string
	for _, k := range []struct {
		excluded *bool
		set      string
	}{
		{in.ExcludeLowercase, lowercase}, {in.ExcludeUppercase, uppercase}, {in.ExcludeNumbers, numbers}, {in.ExcludePunctuation, punctuation},
	} {
		if !wire.Or(k.excluded, false) {
			kinds = append(kinds, k.set)
		}
	}
	if wire.Or(in.IncludeSpace, false) {
		kinds = append(kinds, " ")
	}
	var usable []string
	for _, set := range kinds {
		if set = remove(set, in.ExcludeCharacters); set != "" {
			usable = append(usable, set)
		}
	}
	length := int(wire.Or(in.PasswordLength, 32))
	each := wire.Or(in.RequireEachIncludedType, true)
	switch {
	case len(usable) == 0:
		return nil, invalidParameter("The password can't be generated because every character is excluded.")
	case each && length < len(usable):
		return nil, invalidParameter("The PasswordLength is too short to include a character of each required type.")
	}
	return &secretsmanagerapi.GetRandomPasswordResponse{RandomPassword: password(usable, length, each)}, nil
}

// password picks characters of all kinds, one of each first if each is wanted, and shuffles them.
func password(kinds []string, length int, each bool) string {
	all := strings.Join(kinds, "")
	out := make([]byte, 0, length)
	if each {
		for _, set := range kinds {
			out = append(out, set[below(len(set))])
		}
	}
	for len(out) < length {
		out = append(out, all[below(len(all))])
	}
	for i := len(out) - 1; i > 0; i-- {
		j := below(i + 1)
		out[i], out[j] = out[j], out[i]
	}
	return string(out)
}

// below returns a random number from 0 to n-1, from the system's secure source.
func below(n int) int {
	k, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic(err) // crypto/rand never fails on the systems that we run on
	}
	return int(k.Int64())
}

func remove(set, excluded string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(excluded, r) {
			return -1
		}
		return r
	}, set)
}

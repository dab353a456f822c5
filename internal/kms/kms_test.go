package kms

import (
	"bytes"
	"testing"
)

func TestSealedValuesOpenOnlyWhereTheyBelong(t *testing.T) {
	keys, err := New(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	secret := []byte("correct horse")
	sealed, err := keys.Seal("000000000000", "arn:1", secret)
	if err != nil || bytes.Contains(sealed, secret) {
		t.Fatalf("%x (%v)", sealed, err)
	}
	again, _ := New(make([]byte, 32)) // after a restart
	if got, err := again.Open("000000000000", "arn:1", sealed); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("%q (%v)", got, err)
	}
	if second, _ := keys.Seal("000000000000", "arn:1", secret); bytes.Equal(second, sealed) {
		t.Error("two seals are equal")
	}
	changed := bytes.Clone(sealed)
	changed[len(changed)-1] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"another account": func() ([]byte, error) { return keys.Open("111111111111", "arn:1", sealed) },
		"another context": func() ([]byte, error) { return keys.Open("000000000000", "arn:2", sealed) },
		"changed":         func() ([]byte, error) { return keys.Open("000000000000", "arn:1", changed) },
		"cut":             func() ([]byte, error) { return keys.Open("000000000000", "arn:1", sealed[:5]) },
		"empty":           func() ([]byte, error) { return keys.Open("000000000000", "arn:1", nil) },
	} {
		if got, err := open(); err != ErrNotOurs {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := New([]byte("short")); err == nil {
		t.Error("a short key is accepted")
	}
}

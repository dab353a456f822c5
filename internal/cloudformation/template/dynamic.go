package template

import (
	"regexp"
	"strings"
)

var dynamicReference = regexp.MustCompile(`\{\{resolve:(ssm|ssm-secure|secretsmanager|` + accessKey + `):([^{}]+)\}\}`)

// Dynamic is one dynamic reference, {{resolve:service:rest}}.
type Dynamic struct {
	Service string // ssm, ssm-secure, secretsmanager, or that of SecretOfKey
	Rest    string // name[:version], or id[:SecretString:key[:stage[:version]]], or the id of a key
}

// accessKey is a kind of reference of our own.
const accessKey = "neargate-access-key"

// SecretOfKey is a reference to the secret of an access key that a stack made.
func SecretOfKey(id string) string { return "{{resolve:" + accessKey + ":" + id + "}}" }

// AccessKey is the id of the access key whose secret is meant, "" for another reference.
func (d Dynamic) AccessKey() string {
	if d.Service != accessKey {
		return ""
	}
	return d.Rest
}

// SecretParts splits the rest of a secretsmanager reference. The id may be an
// ARN, which has colons of its own.
func (d Dynamic) SecretParts() (id, key, stage, version string) {
	parts := strings.Split(d.Rest, ":")
	n := 1
	if parts[0] == "arn" {
		n = min(7, len(parts))
	}
	id = strings.Join(parts[:n], ":")
	rest := append(parts[n:], "", "", "", "")
	return id, rest[1], rest[2], rest[3] // rest[0] is SecretString, or empty
}

// ResolveDynamic replaces the dynamic references in v by what resolve returns.
// It happens just before a resource is made: the values are never stored.
func ResolveDynamic(v *Value, resolve func(Dynamic) (string, error)) (*Value, error) {
	if v == nil {
		return nil, nil
	}
	out := *v
	var err error
	switch v.Kind {
	case String:
		out.Text = dynamicReference.ReplaceAllStringFunc(v.Text, func(s string) string {
			m := dynamicReference.FindStringSubmatch(s)
			got, e := resolve(Dynamic{m[1], m[2]})
			if e != nil && err == nil {
				err = e
			}
			return got
		})
	case List:
		out.Items = make([]*Value, len(v.Items))
		for i, item := range v.Items {
			if out.Items[i], err = ResolveDynamic(item, resolve); err != nil {
				return nil, err
			}
		}
	case Map:
		out.Entries = make([]Entry, len(v.Entries))
		for i, e := range v.Entries {
			if e.Value, err = ResolveDynamic(e.Value, resolve); err != nil {
				return nil, err
			}
			out.Entries[i] = e
		}
	}
	if err != nil {
		return nil, err
	}
	return &out, nil
}

package policy

import (
	"slices"
	"strings"
)

var trustActions = []string{"sts:*", "*", "sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity", "sts:tagsession", "sts:setsourceidentity", "sts:setcontext"}

func (r *reader) action() error {
	values, not, ok, err := r.list("Action")
	if err != nil {
		return err
	}
	if !ok || len(values) == 0 {
		if r.kind == Trust || r.kind == Resource {
			return malformed(MissingField, "Missing required field Action")
		}
		return malformed(MissingField, "Policy statement must contain actions.")
	}
	r.s.notAction = not
	for _, a := range values {
		if err := checkAction(a); err != nil {
			return err
		}
		lower := strings.ToLower(a)
		if r.kind == Trust && !slices.Contains(trustActions, lower) && !strings.HasPrefix(lower, "sts:assumerole") {
			return malformed(BadAction, "Trust Policy statement actions can only be sts:AssumeRole, sts:AssumeRoleWithSAML,  and sts:AssumeRoleWithWebIdentity")
		}
		p, _ := compile(lower, false)
		r.s.actions.add(p, lower)
	}
	return nil
}

func checkAction(a string) error {
	vendor, _, ok := strings.Cut(a, ":")
	switch {
	case a == "*":
		return nil
	case !ok:
		return malformed(BadAction, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
	case strings.Count(a, ":") > 1:
		return malformed(BadAction, "Actions/Condition can contain only one colon.")
	case vendor != "*" && strings.ContainsFunc(vendor, func(c rune) bool { return notAlphanumeric(c) && c != '-' && c != '.' }):
		return malformed(BadAction, "Vendor %s is not valid", vendor)
	}
	return nil
}

func (r *reader) resource() error {
	values, not, ok, err := r.list("Resource")
	if err != nil {
		return err
	}
	if r.kind == Trust {
		if ok {
			return malformed(ProhibitedField, "Has prohibited field Resource")
		}
		return nil
	}
	if !ok || len(values) == 0 {
		if r.kind == Resource {
			// ECR and VPC endpoint documents may do without: their own resource.
			if !ok {
				return nil
			}
			return malformed(MissingField, "Missing required field Resource")
		}
		return malformed(MissingField, "Policy statement must contain resources.")
	}
	r.s.notResource = not
	for _, v := range values {
		if err := checkResource(v, r.kind); err != nil {
			return err
		}
		p, err := compile(completeARN(v), r.variables)
		if err != nil {
			return err
		}
		r.s.resources = append(r.s.resources, p)
	}
	return nil
}

// completeARN adds the parts that an ARN lacks as wildcards, as AWS does:
// arn:aws:sqs is arn:aws:sqs:*:*:*. Colons in variables do not count.
func completeARN(v string) string {
	if !strings.HasPrefix(v, "arn:") {
		return v
	}
	colons, depth := 0, 0
	for i := range len(v) {
		switch {
		case v[i] == '{' && v[i-1] == '$':
			depth++
		case v[i] == '}' && depth > 0:
			depth--
		case v[i] == ':' && depth == 0:
			colons++
		}
	}
	return v + strings.Repeat(":*", max(0, 5-colons))
}

var iamPaths = []string{"user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/", "policy/", "sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/"}

// checkResource holds an identity policy's resource against IAM's rules for
// ARNs. Resource policies are judged by their services.
func checkResource(v string, kind Kind) error {
	if v == "*" || kind == Resource {
		return nil
	}
	parts := strings.SplitN(v, ":", 6)
	if len(parts) < 2 {
		return malformed(BadResource, "Resource %s must be in ARN format or \"*\".", v)
	}
	if p := parts[1]; p != "*" && p != "aws" && p != "aws-cn" && p != "aws-us-gov" && p != "aws-iso" && p != "aws-iso-b" && !strings.HasPrefix(p, "${") {
		for i := range parts[2:] {
			if parts[i+2] == "" && len(parts) == i+3 {
				parts[i+2] = "*"
			}
		}
		for len(parts) < 6 {
			parts = append(parts, "*")
		}
		return malformed(BadResource, "Partition \"%s\" is not valid for resource \"arn:%s:%s\".", p, p, strings.Join(parts[2:], ":"))
	}
	if len(parts) < 3 {
		return malformed(BadResource, "Resource vendor must be fully qualified and cannot contain regexes.")
	}
	return checkService(v, parts)
}

func checkService(v string, parts []string) error {
	if parts[2] == "" {
		return &Error{BadResource, legacyText}
	}
	region, path := "", "*"
	if len(parts) > 3 {
		region = parts[3]
	}
	if len(parts) == 6 {
		path = parts[5]
	}
	switch parts[2] {
	case "iam":
		if region != "" && region != "*" {
			return malformed(BadResource, "IAM resource %s cannot contain region information.", v)
		}
		ok := strings.ContainsAny(path, "*$?") || slices.ContainsFunc(iamPaths, func(p string) bool { return strings.HasPrefix(path, p) }) || path == "root"
		if !ok {
			return malformed(BadResource, "IAM resource path must either be \"*\" or start with %s.", strings.Join(iamPaths, ", "))
		}
	case "s3":
		if region != "" && region != "*" && !strings.HasPrefix(path, "accesspoint/") {
			return malformed(BadResource, "Resource %s can not contain region information.", v)
		}
	}
	if len(parts) < 6 && strings.Contains(v, "::") {
		return &Error{BadResource, legacyText}
	}
	return nil
}

// principal is one named principal.
type principal struct {
	kind, value string // AWS: "*", a 12-digit account, or an ARN; Service: its name
	account     string // AWS: set when the whole account is meant
}

func (r *reader) principal() error {
	v, ok := r.o.get("Principal")
	if !ok {
		if v, ok = r.o.get("NotPrincipal"); ok {
			r.s.notPrincipal = true
		}
	}
	identity := r.kind == Managed || r.kind == Inline
	switch {
	case identity && ok:
		return malformed(ProhibitedField, "Policy document should not specify a principal.")
	case identity:
		return nil
	case !ok && r.kind == Trust:
		return malformed(MissingField, "Missing required field Principal")
	case !ok:
		return nil // services that need it look at HasPrincipals
	}
	if v == "*" {
		r.s.principals = []principal{{kind: "AWS", value: "*"}}
		return nil
	}
	o, isObject := v.(*object)
	if !isObject || len(o.keys) == 0 {
		return malformed(BadPrincipal, "Invalid principal in policy")
	}
	for i, kind := range o.keys {
		values, ok := stringsOf(o.values[i])
		if !ok || !slices.Contains([]string{"AWS", "Service", "Federated", "CanonicalUser"}, kind) {
			return malformed(BadPrincipal, "Invalid principal in policy: \"%s\"", kind)
		}
		for _, value := range values {
			p, err := newPrincipal(kind, value)
			if err != nil {
				return err
			}
			r.s.principals = append(r.s.principals, p)
		}
	}
	if len(r.s.principals) == 0 {
		return malformed(BadPrincipal, "Invalid principal in policy")
	}
	return nil
}

func newPrincipal(kind, value string) (principal, error) {
	p := principal{kind: kind, value: value}
	bad := malformed(BadPrincipal, "Invalid principal in policy: \"%s\":\"%s\"", kind, value)
	switch kind {
	case "Service":
		if !strings.Contains(value, ".") || strings.ContainsAny(value, "*?") {
			return p, bad
		}
	case "AWS":
		if value == "*" {
			return p, nil
		}
		if isAccount(value) {
			p.account = value
			return p, nil
		}
		if !strings.Contains(value, ":") && len(value) >= 16 && !strings.ContainsFunc(value, notAlphanumeric) {
			return p, nil // the id of a principal that was deleted
		}
		parts := strings.SplitN(value, ":", 6)
		if len(parts) != 6 || parts[0] != "arn" || !isAccount(parts[4]) || strings.ContainsAny(value, "*?") || parts[2] != "iam" && parts[2] != "sts" {
			return p, bad
		}
		if parts[5] == "root" {
			p.account = parts[4]
		}
	}
	return p, nil
}

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

// HasPrincipals reports whether every statement names a principal.
func (d *Document) HasPrincipals() bool {
	for i := range d.Statements {
		if len(d.Statements[i].principals) == 0 {
			return false
		}
	}
	return true
}

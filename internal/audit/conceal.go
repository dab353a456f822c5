package audit

import "strings"

// concealed are members that CloudTrail hides although AWS's models do not call
// them sensitive, and what would be a secret here: by service, in inputs and
// outputs alike.
var concealed = map[string]string{
	"ssm":            "Value",
	"secretsmanager": "SecretString SecretBinary RandomPassword",
	"ecs":            "Environment",
	"iam":            "SecretAccessKey Password",
	"sts":            "SecretAccessKey WebIdentityToken SAMLAssertion",
	"ecr":            "AuthorizationToken",
	"cloudformation": "ParameterValue TemplateBody",
	"kms":            "Plaintext PrivateKeyPlaintext",
	"acm":            "PrivateKey Passphrase",
	"lambda":         "Environment",
	"rds":            "MasterUserPassword",
	"elasticache":    "AuthToken",
	"elbv2":          "ClientSecret",
}

var hiders = func() map[string]func(string) bool {
	all := map[string]func(string) bool{}
	for service, names := range concealed {
		set := map[string]bool{}
		for name := range strings.FieldsSeq(names) {
			set[strings.ToLower(name)] = true
		}
		all[service] = func(member string) bool { return set[strings.ToLower(member)] }
	}
	return all
}()

// hider returns what is hidden in a service's calls; nil for nothing.
func hider(signingName string) func(string) bool { return hiders[signingName] }

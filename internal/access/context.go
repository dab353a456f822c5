package access

import (
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/caller"
)

// requestContext answers condition keys: those that the operation's table gave
// and the global ones that follow from the caller.
type requestContext struct {
	id       *caller.Identity
	given    map[string][]string // lower case
	owner    string              // account of the resource
	action   string
	now      time.Time
	username string
}

// newContext lowers the names of the given keys; the map itself is not changed.
func newContext(id *caller.Identity, conditions map[string][]string) *requestContext {
	c := &requestContext{id: id, given: conditions, now: time.Now().UTC()}
	for key := range conditions {
		if strings.ToLower(key) != key {
			c.given = make(map[string][]string, len(conditions))
			for key, values := range conditions {
				c.given[strings.ToLower(key)] = values
			}
			break
		}
	}
	if id.Type == caller.User {
		c.username = lastSegment(id.ARN)
	}
	return c
}

// Values implements policy.Context.
func (c *requestContext) Values(key string) []string {
	if v, ok := c.given[key]; ok {
		return v
	}
	name, ok := strings.CutPrefix(key, "aws:")
	if !ok {
		return nil
	}
	if tag, ok := strings.CutPrefix(name, "principaltag/"); ok {
		for k, v := range c.id.Tags {
			if strings.EqualFold(k, tag) {
				return []string{v}
			}
		}
		return nil
	}
	if v := c.global(name); v != "" {
		return []string{v}
	}
	return nil
}

// global is the value of aws:NAME; "" when the request does not have it.
func (c *requestContext) global(name string) string {
	id := c.id
	switch name {
	case "currenttime":
		return c.now.Format(time.RFC3339)
	case "epochtime":
		return strconv.FormatInt(c.now.Unix(), 10)
	case "securetransport":
		return strconv.FormatBool(id.SecureTransport)
	case "useragent":
		return id.UserAgent
	case "requestedregion":
		if globalServices[serviceOf(c.action)] {
			return "us-east-1"
		}
		return id.Region
	case "resourceaccount":
		return c.owner
	}
	if v := c.source(name); v != "" {
		return v
	}
	return c.principal(name)
}

// globalServices answer in one region, whichever the client names.
var globalServices = map[string]bool{"iam": true, "cloudfront": true, "route53": true, "organizations": true}

// source has the keys of the network and of services in between.
func (c *requestContext) source(name string) string {
	id := c.id
	switch name {
	case "sourceip":
		// Inside a VPC endpoint, and for calls that a service makes on, there is no public address.
		if id.SourceIP.IsValid() && id.SourceVPCE == "" && id.ViaService == "" {
			return id.SourceIP.Unmap().String()
		}
	case "vpcsourceip":
		if id.SourceIP.IsValid() && id.SourceVPCE != "" {
			return id.SourceIP.Unmap().String()
		}
	case "sourcevpc":
		if id.SourceVPCE != "" {
			return id.SourceVPC
		}
	case "sourcevpce":
		return id.SourceVPCE
	case "sourcearn":
		return id.SourceARN
	case "sourceaccount":
		if id.SourceARN != "" {
			return id.Account
		}
	case "viaawsservice":
		return strconv.FormatBool(id.ViaService != "")
	case "calledvia", "calledviafirst", "calledvialast":
		return id.ViaService
	}
	return ""
}

// principal has the keys that say who asks.
func (c *requestContext) principal(name string) string {
	id := c.id
	if id.Type == caller.Service {
		switch name {
		case "principalisawsservice":
			return "true"
		case "principalservicename":
			return id.ServiceName
		}
		return ""
	}
	switch name {
	case "principalarn":
		if id.RoleARN != "" {
			return id.RoleARN
		}
		return id.ARN
	case "principalaccount":
		return id.Account
	case "principaltype":
		return principalTypes[id.Type]
	case "principalisawsservice":
		return "false"
	case "userid":
		if id.Type == caller.Anonymous {
			return "anonymous"
		}
		return id.UserID
	case "username":
		return c.username
	case "sourceidentity":
		return id.SourceIdentity
	case "federatedprovider":
		return id.Provider
	case "tokenissuetime":
		if !id.IssuedAt.IsZero() {
			return id.IssuedAt.UTC().Format(time.RFC3339)
		}
	case "multifactorauthpresent":
		if !id.IssuedAt.IsZero() {
			return "false"
		}
	}
	return ""
}

var principalTypes = map[caller.Type]string{
	caller.Root: "Account", caller.User: "User", caller.AssumedRole: "AssumedRole", caller.Federated: "FederatedUser",
	caller.WebIdentity: "FederatedUser", caller.Anonymous: "Anonymous",
}

func serviceOf(action string) string {
	service, _, _ := strings.Cut(action, ":")
	return strings.ToLower(service)
}

package servicediscovery

import (
	"reflect"
	"strings"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// Authorization is which permission each operation needs:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudmap.html
func (s *Service) Authorization() authorize.Service {
	rules := map[string][]authorize.Rule{}
	for operation := range servicediscoveryapi.Model.Operations {
		rules[operation] = []authorize.Rule{{Action: "servicediscovery:" + operation, Resources: resourceOf, Conditions: conditions}}
	}
	authorize.TagOnCreate(rules, "servicediscovery:TagResource", "", nil, "CreateHttpNamespace", "CreatePrivateDnsNamespace", "CreatePublicDnsNamespace", "CreateService")
	return authorize.Service{Rules: rules, ResourceTags: s.resourceTags}
}

// resourceOf is the namespace or service of a request; nothing for one that lists,
// makes a namespace, or discovers by name.
func resourceOf(id caller.Identity, in any) []string {
	if c, ok := in.(*servicediscoveryapi.CreateServiceRequest); ok {
		return []string{resourceARN(id, namespaceOf(c))}
	}
	for _, field := range []string{"ResourceARN", "ServiceId", "Id"} {
		if f := reflect.ValueOf(in).Elem().FieldByName(field); f.IsValid() && f.String() != "" {
			return []string{resourceARN(id, f.String())}
		}
	}
	return nil
}

func resourceARN(id caller.Identity, idOrARN string) string {
	kind := "namespace/"
	switch {
	case strings.HasPrefix(idOrARN, "arn:"):
		return idOrARN
	case strings.HasPrefix(idOrARN, "srv-"):
		kind = "service/"
	}
	return arn.Format("servicediscovery", id.Region, id.Account, kind+idOrARN)
}

func (s *Service) resourceTags(id caller.Identity, resource string) map[string]string {
	tags, _, err := tagged(s.DB.Read(), id, resource)
	if err != nil {
		return nil
	}
	return state.TagMap(tags)
}

func conditions(id caller.Identity, in any) map[string][]string {
	out := map[string][]string{}
	v := reflect.ValueOf(in).Elem()
	text := func(field string) string {
		if f := v.FieldByName(field); f.IsValid() && f.Kind() == reflect.String {
			return f.String()
		}
		return ""
	}
	if value := text("ServiceId"); value != "" {
		out["servicediscovery:ServiceArn"] = []string{resourceARN(id, value)}
	}
	if c, ok := in.(*servicediscoveryapi.CreateServiceRequest); ok {
		out["servicediscovery:NamespaceArn"] = []string{resourceARN(id, namespaceOf(c))}
	}
	for field, key := range map[string]string{"ServiceName": "servicediscovery:ServiceName", "NamespaceName": "servicediscovery:NamespaceName"} {
		if value := text(field); value != "" {
			out[key] = []string{value}
		}
	}
	if f := v.FieldByName("Tags"); f.IsValid() {
		for _, t := range f.Interface().([]servicediscoveryapi.Tag) {
			out["aws:RequestTag/"+t.Key] = []string{t.Value}
			out["aws:TagKeys"] = append(out["aws:TagKeys"], t.Key)
		}
	}
	if u, ok := in.(*servicediscoveryapi.UntagResourceRequest); ok {
		out["aws:TagKeys"] = u.TagKeys
	}
	return out
}

package ecs

import (
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/caller"
)

// conditions collects values of condition keys.
type conditions map[string][]string

func (c conditions) value(key, value string) conditions {
	if value != "" {
		c[key] = []string{value}
	}
	return c
}

func (c conditions) list(key string, values []string) conditions {
	if len(values) > 0 {
		c[key] = values
	}
	return c
}

func (c conditions) cluster(id caller.Identity, ref string) conditions {
	return c.value("ecs:cluster", clusterARN(id, ref))
}

func (c conditions) tags(tags []ecsapi.Tag) conditions {
	for _, t := range tags {
		c["aws:RequestTag/"+t.Key] = []string{t.Value}
		c["aws:TagKeys"] = append(c["aws:TagKeys"], t.Key)
	}
	return c
}

func (c conditions) providers(strategy []ecsapi.CapacityProviderStrategyItem) conditions {
	for _, i := range strategy {
		c["ecs:capacity-provider"] = append(c["ecs:capacity-provider"], i.CapacityProvider)
	}
	return c
}

func (c conditions) network(n *ecsapi.NetworkConfiguration) conditions {
	if n == nil || n.AwsvpcConfiguration == nil {
		return c
	}
	c.list("ecs:subnet", n.AwsvpcConfiguration.Subnets)
	assign := "false"
	if n.AwsvpcConfiguration.AssignPublicIp == ecsapi.AssignPublicIpEnabled {
		assign = "true"
	}
	return c.value("ecs:auto-assign-public-ip", assign)
}

// withResourceTags adds the tags of the resource that a request names to its
// conditions. Requests that name several have none, for each would have its own.
func (s *Service) withResourceTags(resources func(caller.Identity, any) []string, more func(caller.Identity, any) map[string][]string) func(caller.Identity, any) map[string][]string {
	return func(id caller.Identity, in any) map[string][]string {
		out := map[string][]string{}
		if more != nil {
			out = more(id, in)
		}
		if resources == nil {
			return out
		}
		arns := resources(id, in)
		if len(arns) != 1 {
			return out
		}
		tags, _, err := (scope{id.Account, id.Region}).tagged(s.DB.Read(), arns[0])
		if err != nil {
			return out
		}
		for _, t := range tags {
			out["aws:ResourceTag/"+t.Key] = []string{t.Value}
			out["ecs:ResourceTag/"+t.Key] = []string{t.Value}
		}
		return out
	}
}

package ecs

import (
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// Authorization says which permission each operation needs, on which resources
// and with which condition keys, after AWS's Service Authorization Reference.
func (s *Service) Authorization() authorize.Service {
	rules := map[string][]authorize.Rule{}
	on := func(operation string, resources func(caller.Identity, any) []string, conditions func(caller.Identity, any) map[string][]string) {
		rules[operation] = []authorize.Rule{{Action: "ecs:" + operation, Resources: resources, Conditions: s.withResourceTags(resources, conditions)}}
	}
	s.authorizeClusters(on)
	s.authorizeTasks(on)
	s.authorizeServices(on)
	tag := func(operation string, resources func(caller.Identity, any) []string) {
		authorize.TagOnCreate(rules, "ecs:TagResource", "ecs:CreateAction", resources, operation)
	}
	tag("CreateCluster", func(id caller.Identity, in any) []string {
		return []string{clusterARN(id, in.(*ecsapi.CreateClusterRequest).ClusterName)}
	})
	tag("CreateService", nil)
	tag("RegisterTaskDefinition", nil)
	tag("RunTask", func(id caller.Identity, in any) []string {
		return []string{below(id, "task", in.(*ecsapi.RunTaskRequest).Cluster, "*")}
	})
	return authorize.Service{Rules: rules, ResourceTags: s.resourceTags}
}

// resourceTags are the tags of the resource with an ARN.
func (s *Service) resourceTags(id caller.Identity, resource string) map[string]string {
	tags, _, err := (scope{id.Account, id.Region}).tagged(s.DB.Read(), resource)
	if err != nil {
		return nil
	}
	return state.TagMap(tags)
}

type ruleMaker func(string, func(caller.Identity, any) []string, func(caller.Identity, any) map[string][]string)

func (s *Service) authorizeClusters(on ruleMaker) {
	cluster := func(ref func(any) string) func(caller.Identity, any) []string {
		return func(id caller.Identity, in any) []string { return []string{clusterARN(id, ref(in))} }
	}
	on("CreateCluster", nil, func(_ caller.Identity, in any) map[string][]string {
		r := in.(*ecsapi.CreateClusterRequest)
		return conditions{}.tags(r.Tags).list("ecs:capacity-provider", r.CapacityProviders)
	})
	on("ListClusters", nil, nil)
	on("DescribeClusters", func(id caller.Identity, in any) []string {
		refs := in.(*ecsapi.DescribeClustersRequest).Clusters
		if len(refs) == 0 {
			refs = []string{""}
		}
		return each(refs, func(ref string) string { return clusterARN(id, ref) })
	}, nil)
	on("DeleteCluster", cluster(func(in any) string { return in.(*ecsapi.DeleteClusterRequest).Cluster }), nil)
	on("UpdateCluster", cluster(func(in any) string { return in.(*ecsapi.UpdateClusterRequest).Cluster }), nil)
	on("UpdateClusterSettings", cluster(func(in any) string { return in.(*ecsapi.UpdateClusterSettingsRequest).Cluster }), nil)
	on("PutClusterCapacityProviders", cluster(func(in any) string { return in.(*ecsapi.PutClusterCapacityProvidersRequest).Cluster }), func(_ caller.Identity, in any) map[string][]string {
		return conditions{}.list("ecs:capacity-provider", in.(*ecsapi.PutClusterCapacityProvidersRequest).CapacityProviders)
	})
	on("ListContainerInstances", cluster(func(in any) string { return in.(*ecsapi.ListContainerInstancesRequest).Cluster }), nil)
	on("DescribeContainerInstances", func(id caller.Identity, in any) []string {
		r := in.(*ecsapi.DescribeContainerInstancesRequest)
		return each(r.ContainerInstances, func(ref string) string { return below(id, "container-instance", r.Cluster, ref) })
	}, func(id caller.Identity, in any) map[string][]string {
		return conditions{}.cluster(id, in.(*ecsapi.DescribeContainerInstancesRequest).Cluster)
	})
	on("DescribeCapacityProviders", func(id caller.Identity, in any) []string {
		names := in.(*ecsapi.DescribeCapacityProvidersRequest).CapacityProviders
		return each(names, func(ref string) string {
			return state.ECSARN(id.Account, id.Region, "capacity-provider/"+resourceName("capacity-provider", ref))
		})
	}, nil)
	setting := func(name func(any) ecsapi.SettingName) func(caller.Identity, any) map[string][]string {
		return func(_ caller.Identity, in any) map[string][]string {
			return conditions{}.value("ecs:account-setting", string(name(in)))
		}
	}
	on("PutAccountSetting", nil, setting(func(in any) ecsapi.SettingName { return in.(*ecsapi.PutAccountSettingRequest).Name }))
	on("PutAccountSettingDefault", nil, setting(func(in any) ecsapi.SettingName { return in.(*ecsapi.PutAccountSettingDefaultRequest).Name }))
	on("DeleteAccountSetting", nil, setting(func(in any) ecsapi.SettingName { return in.(*ecsapi.DeleteAccountSettingRequest).Name }))
	on("ListAccountSettings", nil, nil)
	on("TagResource", func(_ caller.Identity, in any) []string { return []string{in.(*ecsapi.TagResourceRequest).ResourceArn} }, func(_ caller.Identity, in any) map[string][]string {
		return conditions{}.tags(in.(*ecsapi.TagResourceRequest).Tags)
	})
	on("UntagResource", func(_ caller.Identity, in any) []string {
		return []string{in.(*ecsapi.UntagResourceRequest).ResourceArn}
	}, func(_ caller.Identity, in any) map[string][]string {
		return conditions{}.list("aws:TagKeys", in.(*ecsapi.UntagResourceRequest).TagKeys)
	})
	on("ListTagsForResource", func(_ caller.Identity, in any) []string {
		return []string{in.(*ecsapi.ListTagsForResourceRequest).ResourceArn}
	}, nil)
}

func (s *Service) authorizeTasks(on ruleMaker) {
	on("RegisterTaskDefinition", func(id caller.Identity, in any) []string {
		return []string{state.ECSARN(id.Account, id.Region, "task-definition/"+in.(*ecsapi.RegisterTaskDefinitionRequest).Family+":*")}
	}, func(_ caller.Identity, in any) map[string][]string {
		return conditions{}.tags(in.(*ecsapi.RegisterTaskDefinitionRequest).Tags)
	})
	for _, op := range []string{"DescribeTaskDefinition", "DeregisterTaskDefinition", "ListTaskDefinitions", "ListTaskDefinitionFamilies"} {
		on(op, nil, nil)
	}
	on("DeleteTaskDefinitions", func(id caller.Identity, in any) []string {
		return each(in.(*ecsapi.DeleteTaskDefinitionsRequest).TaskDefinitions, func(ref string) string { return s.definitionARN(id, ref) })
	}, nil)
	on("RunTask", func(id caller.Identity, in any) []string {
		return []string{s.definitionARN(id, in.(*ecsapi.RunTaskRequest).TaskDefinition)}
	}, func(id caller.Identity, in any) map[string][]string {
		r := in.(*ecsapi.RunTaskRequest)
		return conditions{}.cluster(id, r.Cluster).tags(r.Tags).providers(r.CapacityProviderStrategy).
			value("ecs:enable-execute-command", strconv.FormatBool(r.EnableExecuteCommand)).network(r.NetworkConfiguration)
	})
	on("StopTask", func(id caller.Identity, in any) []string {
		r := in.(*ecsapi.StopTaskRequest)
		return []string{below(id, "task", r.Cluster, r.Task)}
	}, func(id caller.Identity, in any) map[string][]string {
		return conditions{}.cluster(id, in.(*ecsapi.StopTaskRequest).Cluster)
	})
	on("DescribeTasks", func(id caller.Identity, in any) []string {
		r := in.(*ecsapi.DescribeTasksRequest)
		return each(r.Tasks, func(ref string) string { return below(id, "task", r.Cluster, ref) })
	}, func(id caller.Identity, in any) map[string][]string {
		return conditions{}.cluster(id, in.(*ecsapi.DescribeTasksRequest).Cluster)
	})
	on("ListTasks", func(id caller.Identity, in any) []string {
		return []string{below(id, "container-instance", in.(*ecsapi.ListTasksRequest).Cluster, "*")}
	}, func(id caller.Identity, in any) map[string][]string {
		return conditions{}.cluster(id, in.(*ecsapi.ListTasksRequest).Cluster)
	})
}

func (s *Service) authorizeServices(on ruleMaker) {
	on("CreateService", func(id caller.Identity, in any) []string {
		r := in.(*ecsapi.CreateServiceRequest)
		return []string{below(id, "service", r.Cluster, r.ServiceName)}
	}, func(id caller.Identity, in any) map[string][]string {
		r := in.(*ecsapi.CreateServiceRequest)
		return conditions{}.cluster(id, r.Cluster).tags(r.Tags).providers(r.CapacityProviderStrategy).network(r.NetworkConfiguration).
			value("ecs:task-definition", s.definitionARN(id, r.TaskDefinition)).value("ecs:enable-execute-command", strconv.FormatBool(r.EnableExecuteCommand)).
			value("ecs:enable-ecs-managed-tags", strconv.FormatBool(r.EnableECSManagedTags)).value("ecs:propagate-tags", string(r.PropagateTags)).
			value("ecs:namespace", s.connectNamespaceARN(id, r.Cluster, r.ServiceConnectConfiguration))
	})
	on("UpdateService", func(id caller.Identity, in any) []string {
		r := in.(*ecsapi.UpdateServiceRequest)
		return []string{below(id, "service", r.Cluster, r.Service)}
	}, func(id caller.Identity, in any) map[string][]string {
		r := in.(*ecsapi.UpdateServiceRequest)
		c := conditions{}.cluster(id, r.Cluster).providers(r.CapacityProviderStrategy).network(r.NetworkConfiguration).
			value("ecs:namespace", s.connectNamespaceARN(id, r.Cluster, r.ServiceConnectConfiguration))
		if r.TaskDefinition != "" {
			c.value("ecs:task-definition", s.definitionARN(id, r.TaskDefinition))
		}
		return c
	})
	on("DeleteService", func(id caller.Identity, in any) []string {
		r := in.(*ecsapi.DeleteServiceRequest)
		return []string{below(id, "service", r.Cluster, r.Service)}
	}, func(id caller.Identity, in any) map[string][]string {
		return conditions{}.cluster(id, in.(*ecsapi.DeleteServiceRequest).Cluster)
	})
	on("DescribeServices", func(id caller.Identity, in any) []string {
		r := in.(*ecsapi.DescribeServicesRequest)
		return each(r.Services, func(ref string) string { return below(id, "service", r.Cluster, ref) })
	}, func(id caller.Identity, in any) map[string][]string {
		return conditions{}.cluster(id, in.(*ecsapi.DescribeServicesRequest).Cluster)
	})
	on("ListServices", nil, func(id caller.Identity, in any) map[string][]string {
		return conditions{}.cluster(id, in.(*ecsapi.ListServicesRequest).Cluster)
	})
	on("ListServicesByNamespace", nil, func(id caller.Identity, in any) map[string][]string {
		return conditions{}.value("ecs:namespace", s.namespaceARN(id, in.(*ecsapi.ListServicesByNamespaceRequest).Namespace))
	})
	on("ListServiceDeployments", func(id caller.Identity, in any) []string {
		r := in.(*ecsapi.ListServiceDeploymentsRequest)
		return []string{below(id, "service", r.Cluster, r.Service)}
	}, func(id caller.Identity, in any) map[string][]string {
		return conditions{}.cluster(id, in.(*ecsapi.ListServiceDeploymentsRequest).Cluster)
	})
	on("DescribeServiceDeployments", func(_ caller.Identity, in any) []string {
		return in.(*ecsapi.DescribeServiceDeploymentsRequest).ServiceDeploymentArns
	}, nil)
	on("DescribeServiceRevisions", func(_ caller.Identity, in any) []string {
		return in.(*ecsapi.DescribeServiceRevisionsRequest).ServiceRevisionArns
	}, nil)
}

func clusterARN(id caller.Identity, ref string) string {
	if strings.HasPrefix(ref, "arn:") {
		return ref
	}
	if ref == "" {
		ref = defaultCluster
	}
	return state.ECSARN(id.Account, id.Region, "cluster/"+ref)
}

// below is the ARN of something in a cluster.
func below(id caller.Identity, kind, cluster, ref string) string {
	if strings.HasPrefix(ref, "arn:") && strings.Count(ref, "/") > 1 {
		return ref
	}
	name := strings.TrimPrefix(clusterARN(id, cluster), state.ECSARN(id.Account, id.Region, "cluster/"))
	return state.ECSARN(id.Account, id.Region, kind+"/"+name+"/"+resourceName(kind, ref))
}

// definitionARN is the ARN of the revision that ref means.
func (s *Service) definitionARN(id caller.Identity, ref string) string {
	if d := (scope{id.Account, id.Region}).taskDefinition(s.DB.Read(), ref); d != nil {
		return d.ARN()
	}
	if strings.HasPrefix(ref, "arn:") {
		return ref
	}
	return state.ECSARN(id.Account, id.Region, "task-definition/"+ref)
}

func each(in []string, f func(string) string) []string {
	var out []string
	for _, v := range in {
		out = append(out, f(v))
	}
	return out
}

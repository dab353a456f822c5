// Package state holds the records of all AWS resources that Neargate keeps: one
// file per resource with its record type, its table and indexes. Services meet
// here instead of calling each other: one writes what is wanted, another's loop
// reads it and writes what is.
//
// Records are plain values (see package store: immutable once stored). Each
// field has one writer; its comment names it where that is not the service of
// the resource. Everything is keyed by account and region.
package state

import (
	"strings"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/store"
)

// Key is the key of a resource: "account/region/id". Global services (IAM) use
// an empty region.
func Key(account, region, id string) string { return account + "/" + region + "/" + id }

// Prefix is the start of the keys of all resources of an account and region,
// for use with Table.All.
func Prefix(account, region string) string { return account + "/" + region + "/" }

// SplitKey takes a key apart; id may itself contain slashes.
func SplitKey(key string) (account, region, id string) {
	parts := strings.SplitN(key, "/", 3)
	for len(parts) < 3 {
		parts = append(parts, "")
	}
	return parts[0], parts[1], parts[2]
}

// Schema lists every table, for store.Open. One line per table, sorted.
func Schema() []store.AnyTable {
	return []store.AnyTable{
		AccessKeys, AccountAliases, Accounts, ActionUses, Groups, IAMReports, InstanceProfiles, KeyUses, OIDCProviders, Policies, Roles, Users,
		Certificates, HostedZones, RecordSets, ZoneChanges, DNSHealthChecks, DNSHealthCheckOpinions,
		Clusters, ECSSettings, RunTokens, Services, TaskDefinitionFamilies, TaskDefinitions, Tasks,
		Addresses,
		AlarmHistories, Alarms, Dashboards,
		Buckets,
		ChangeSets, StackEvents, StackResources, Stacks,
		decision.Table,
		DhcpOptionSets,
		EgressOnlyInternetGateways,
		FlowLogs,
		Images,
		InternetGateways,
		KMSAliases, KMSKeys,
		Layers,
		ListenerRules, Listeners, LoadBalancers, TargetGroups, Targets,
		DiscoveryOperations, DiscoveryServices, Namespaces, ServiceInstances,
		LogGroups, LogStreams,
		ManagedPrefixLists,
		MultipartUploads,
		NatGateways,
		NetworkAcls,
		NetworkInsightsAnalyses, NetworkInsightsPaths,
		NetworkInterfaces,
		NetworkRegions,
		NetworkUses,
		Parameters,
		ObjectVersions,
		Repositories,
		RouteTables,
		Secrets,
		SecurityGroups,
		Subnets,
		UploadParts,
		Trails,
		TrustStores,
		VpcEndpoints,
		VpcPeeringConnections,
		Vpcs,
	}
}

package iam

import (
	"context"

	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// GetAccountSummary counts what the account has and may have.
func (s *Service) GetAccountSummary(ctx context.Context, _ *iamapi.GetAccountSummaryInput) (*iamapi.GetAccountSummaryResponse, error) {
	tx, account := s.db.Read(), caller.From(ctx).Account
	versions, rootKeys, providers := 0, 0, 0
	for p := range state.Policies.All(tx, state.Prefix(account, "")) {
		versions += len(p.Versions)
	}
	for range state.AccessKeys.By(tx, "user", state.IAMKey(account, "")) {
		rootKeys = 1
	}
	for range state.OIDCProviders.By(tx, "account", account) {
		providers++
	}
	count := map[iamapi.SummaryKeyType]int{
		iamapi.SummaryKeyTypeUsers: rows(tx, state.Users, account), iamapi.SummaryKeyTypeUsersQuota: maxUsers,
		iamapi.SummaryKeyTypeRoles: rows(tx, state.Roles, account), iamapi.SummaryKeyTypeRolesQuota: maxRoles,
		iamapi.SummaryKeyTypePolicies: rows(tx, state.Policies, account), iamapi.SummaryKeyTypePoliciesQuota: maxPolicies,
		iamapi.SummaryKeyTypePolicyVersionsInUse: versions, iamapi.SummaryKeyTypeVersionsPerPolicyQuota: maxVersions,
		iamapi.SummaryKeyTypePolicySizeQuota: maxManagedPolicy, iamapi.SummaryKeyTypeRolePolicySizeQuota: maxRoleInline,
		iamapi.SummaryKeyTypeUserPolicySizeQuota: maxUserInline, iamapi.SummaryKeyTypeAssumeRolePolicySizeQuota: maxTrustPolicy,
		iamapi.SummaryKeyTypeAttachedPoliciesPerRoleQuota: maxAttached, iamapi.SummaryKeyTypeAttachedPoliciesPerUserQuota: maxAttached,
		iamapi.SummaryKeyTypeAccessKeysPerUserQuota: maxKeysPerUser, iamapi.SummaryKeyTypeAccountAccessKeysPresent: rootKeys,
		iamapi.SummaryKeyTypeGroups: rows(tx, state.Groups, account), iamapi.SummaryKeyTypeGroupsQuota: maxGroups,
		iamapi.SummaryKeyTypeGroupsPerUserQuota: maxGroupsPerUser, iamapi.SummaryKeyTypeGroupPolicySizeQuota: maxGroupInline, iamapi.SummaryKeyTypeAttachedPoliciesPerGroupQuota: maxAttached,
		iamapi.SummaryKeyTypeInstanceProfiles: rows(tx, state.InstanceProfiles, account), iamapi.SummaryKeyTypeInstanceProfilesQuota: maxInstanceProfiles,
		iamapi.SummaryKeyTypeServerCertificates: 0, iamapi.SummaryKeyTypeProviders: providers,
		iamapi.SummaryKeyTypeMFADevices: 0, iamapi.SummaryKeyTypeMFADevicesInUse: 0, iamapi.SummaryKeyTypeAccountMFAEnabled: 0, iamapi.SummaryKeyTypeAccountSigningCertificatesPresent: 0,
	}
	out := map[iamapi.SummaryKeyType]int32{}
	for k, n := range count {
		out[k] = int32(n)
	}
	return &iamapi.GetAccountSummaryResponse{SummaryMap: out}, nil
}

func rows[T any](tx *store.Tx, table *store.Table[T], account string) int {
	n := 0
	for range table.All(tx, state.Prefix(account, "")) {
		n++
	}
	return n
}

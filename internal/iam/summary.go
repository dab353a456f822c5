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
	versions, rootKeys := 0, 0
	for p := range state.Policies.All(tx, state.Prefix(account, "")) {
		versions += len(p.Versions)
	}
	for range state.AccessKeys.By(tx, "user", state.IAMKey(account, "")) {
		rootKeys = 1
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
		iamapi.SummaryKeyTypeGroups: 0, iamapi.SummaryKeyTypeInstanceProfiles: 0, iamapi.SummaryKeyTypeServerCertificates: 0, iamapi.SummaryKeyTypeProviders: 0,
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

// ListAccountAliases: an account has no alias, as there is no sign-in page.
func (s *Service) ListAccountAliases(context.Context, *iamapi.ListAccountAliasesRequest) (*iamapi.ListAccountAliasesResponse, error) {
	return &iamapi.ListAccountAliasesResponse{AccountAliases: []string{}}, nil
}

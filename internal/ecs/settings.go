package ecs

import (
	"context"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// accountSettings are the settings of an account with their default and the
// values that we carry out. The long ARN formats cannot be turned off on AWS either.
var accountSettings = map[string]struct {
	normal string
	values []string
}{
	"serviceLongArnFormat":            {"enabled", []string{"enabled"}},
	"taskLongArnFormat":               {"enabled", []string{"enabled"}},
	"containerInstanceLongArnFormat":  {"enabled", []string{"enabled"}},
	"awsvpcTrunking":                  {"disabled", []string{"enabled", "disabled"}}, // concerns EC2 instances only
	"dualStackIPv6":                   {"enabled", []string{"enabled", "disabled"}},
	"containerInsights":               {"disabled", []string{"enabled", "disabled", "enhanced"}},
	"fargateFIPSMode":                 {"disabled", []string{"disabled"}},
	"tagResourceAuthorization":        {"off", []string{"off"}},
	"fargateTaskRetirementWaitPeriod": {"7", []string{"0", "7", "14"}},
	"guardDutyActivate":               {"off", []string{"off"}},
	"defaultLogDriverMode":            {"non-blocking", []string{"blocking", "non-blocking"}},
}

// setting is the value that holds for a principal: its own, the account's or AWS's default.
func (s *Service) setting(tx *store.Tx, c scope, principal, name string) string {
	for _, who := range []string{principal, ""} {
		if rec, ok := state.ECSSettings.Get(tx, c.key(name+"/"+who)); ok {
			return rec.Value
		}
	}
	return accountSettings[name].normal
}

// principal is whose setting a request means: the caller's own, unless it says another.
func principal(ctx context.Context, asked string) string {
	if asked != "" {
		return asked
	}
	id := caller.From(ctx)
	if id.RoleARN != "" {
		return id.RoleARN
	}
	return id.ARN
}

func (s *Service) putSetting(ctx context.Context, name, value, who string) (*ecsapi.Setting, error) {
	known, ok := accountSettings[name]
	switch {
	case !ok:
		return nil, unsupported("account setting " + name)
	case !slices.Contains(known.values, value):
		return nil, invalid("Neargate does not carry out the value %s of the setting %s; it has %s.", value, name, strings.Join(known.values, ", "))
	}
	c := scopeOf(ctx)
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		state.ECSSettings.Put(tx, &state.ECSSetting{Account: c.Account, Region: c.Region, PrincipalARN: who, Name: name, Value: value})
		return nil
	})
	return &ecsapi.Setting{Name: ecsapi.SettingName(name), Value: value, PrincipalArn: who, Type: "user"}, err
}

// PutAccountSetting sets a setting for a principal. The account's root user
// stands for the whole account, as on AWS.
func (s *Service) PutAccountSetting(ctx context.Context, in *ecsapi.PutAccountSettingRequest) (*ecsapi.PutAccountSettingResponse, error) {
	who := principal(ctx, in.PrincipalArn)
	stored := who
	if strings.HasSuffix(who, ":root") {
		stored = ""
	}
	out, err := s.putSetting(ctx, string(in.Name), in.Value, stored)
	if err != nil {
		return nil, err
	}
	out.PrincipalArn = who
	return &ecsapi.PutAccountSettingResponse{Setting: out}, nil
}

// PutAccountSettingDefault sets a setting for everyone in the account who has none of their own.
func (s *Service) PutAccountSettingDefault(ctx context.Context, in *ecsapi.PutAccountSettingDefaultRequest) (*ecsapi.PutAccountSettingDefaultResponse, error) {
	out, err := s.putSetting(ctx, string(in.Name), in.Value, "")
	if err != nil {
		return nil, err
	}
	out.PrincipalArn = "arn:aws:iam::" + scopeOf(ctx).Account + ":root"
	return &ecsapi.PutAccountSettingDefaultResponse{Setting: out}, nil
}

// DeleteAccountSetting takes a principal's own setting back.
func (s *Service) DeleteAccountSetting(ctx context.Context, in *ecsapi.DeleteAccountSettingRequest) (*ecsapi.DeleteAccountSettingResponse, error) {
	c, name, who := scopeOf(ctx), string(in.Name), principal(ctx, in.PrincipalArn)
	if _, ok := accountSettings[name]; !ok {
		return nil, unsupported("account setting " + name)
	}
	out := &ecsapi.Setting{Name: in.Name, PrincipalArn: who, Type: "user"}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		stored := who
		if strings.HasSuffix(who, ":root") {
			stored = ""
		}
		state.ECSSettings.Delete(tx, c.key(name+"/"+stored))
		out.Value = s.setting(tx, c, stored, name)
		return nil
	})
	return &ecsapi.DeleteAccountSettingResponse{Setting: out}, err
}

// ListAccountSettings lists the settings that were made for a principal, or with
// effectiveSettings all that hold for it.
func (s *Service) ListAccountSettings(ctx context.Context, in *ecsapi.ListAccountSettingsRequest) (*ecsapi.ListAccountSettingsResponse, error) {
	c, tx, who := scopeOf(ctx), s.DB.Read(), principal(ctx, in.PrincipalArn)
	stored := who
	if strings.HasSuffix(who, ":root") {
		stored = ""
	}
	names := slices.Collect(maps.Keys(accountSettings))
	sort.Strings(names)
	var shown []string
	for _, name := range names {
		_, own := state.ECSSettings.Get(tx, c.key(name+"/"+stored))
		value := s.setting(tx, c, stored, name)
		if (own || in.EffectiveSettings) && (in.Name == "" || string(in.Name) == name) && (in.Value == "" || in.Value == value) {
			shown = append(shown, name)
		}
	}
	shown, next, err := page(shown, in.NextToken, in.MaxResults, 10, 10, false)
	if err != nil {
		return nil, err
	}
	out := &ecsapi.ListAccountSettingsResponse{Settings: []ecsapi.Setting{}, NextToken: next}
	for _, name := range shown {
		out.Settings = append(out.Settings, ecsapi.Setting{Name: ecsapi.SettingName(name), Value: s.setting(tx, c, stored, name), PrincipalArn: who, Type: "user"})
	}
	return out, nil
}

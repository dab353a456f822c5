package iam

import (
	"bytes"
	"context"
	"encoding/csv"
	"slices"
	"strconv"
	"time"

	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const (
	credentialReport = "credentials" // its id among the account's reports
	reportFresh      = 4 * time.Hour // how long a report is answered, and no new one is made
)

// GenerateCredentialReport makes a report of the account's users and keys. As on
// AWS the first call starts it, and calls within four hours find it complete.
func (s *Service) GenerateCredentialReport(ctx context.Context, _ *iamapi.GenerateCredentialReportInput) (*iamapi.GenerateCredentialReportResponse, error) {
	account := caller.From(ctx).Account
	out := &iamapi.GenerateCredentialReportResponse{State: iamapi.ReportStateTypeComplete}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if r, ok := state.IAMReports.Get(tx, state.Key(account, "", credentialReport)); ok && s.now().Sub(r.At) < reportFresh {
			return nil
		}
		content, err := credentials(tx, account)
		if err != nil {
			return err
		}
		out.State, out.Description = iamapi.ReportStateTypeStarted, "No report exists. Starting a new report generation task"
		state.IAMReports.Put(tx, &state.IAMReport{Account: account, ID: credentialReport, At: s.now(), Content: content})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// GetCredentialReport returns the report that was made.
func (s *Service) GetCredentialReport(ctx context.Context, _ *iamapi.GetCredentialReportInput) (*iamapi.GetCredentialReportResponse, error) {
	r, ok := state.IAMReports.Get(s.db.Read(), state.Key(caller.From(ctx).Account, "", credentialReport))
	switch {
	case !ok:
		return nil, &iamapi.CredentialReportNotPresentException{Message: "Unable to find the credential report. Use GenerateCredentialReport to make one."}
	case s.now().Sub(r.At) >= reportFresh:
		return nil, &iamapi.CredentialReportExpiredException{Message: "The credential report is older than four hours. Use GenerateCredentialReport to make one."}
	}
	return &iamapi.GetCredentialReportResponse{Content: r.Content, ReportFormat: iamapi.ReportFormatTypeTextCsv, GeneratedTime: r.At}, nil
}

// reportColumns are the report's columns, after "Get credential reports for
// your AWS account". Nobody has a password, MFA devices or certificates here.
var reportColumns = []string{
	"user", "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed", "password_next_rotation", "mfa_active",
	"access_key_1_active", "access_key_1_last_rotated", "access_key_1_last_used_date", "access_key_1_last_used_region", "access_key_1_last_used_service",
	"access_key_2_active", "access_key_2_last_rotated", "access_key_2_last_used_date", "access_key_2_last_used_region", "access_key_2_last_used_service",
	"cert_1_active", "cert_1_last_rotated", "cert_2_active", "cert_2_last_rotated",
}

// credentials writes the report.
func credentials(tx *store.Tx, account string) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	rows := [][]string{reportColumns}
	root := caller.ForRoot(account, "")
	created := time.Time{}
	if a, ok := state.Accounts.Get(tx, account); ok {
		created = a.CreatedAt
	}
	rows = append(rows, reportRow(tx, account, "", "<root_account>", root.ARN, created, []string{"not_supported", "no_information", "not_supported", "not_supported"}))
	for u := range state.Users.All(tx, state.Prefix(account, "")) {
		rows = append(rows, reportRow(tx, account, u.Name, u.Name, u.ARN(), u.CreatedAt, []string{"false", "N/A", "N/A", "N/A"}))
	}
	err := w.WriteAll(rows)
	return b.Bytes(), err
}

func reportRow(tx *store.Tx, account, user, name, arn string, created time.Time, password []string) []string {
	row := append([]string{name, arn, reportTime(created)}, password...)
	row = append(row, "false")
	keys := slices.SortedFunc(state.AccessKeys.By(tx, "user", state.IAMKey(account, user)), func(a, b *state.AccessKey) int { return a.CreatedAt.Compare(b.CreatedAt) })
	for i := range maxKeysPerUser {
		if i >= len(keys) {
			row = append(row, "false", "N/A", "N/A", "N/A", "N/A")
			continue
		}
		row = append(row, strconv.FormatBool(!keys[i].Inactive), reportTime(keys[i].CreatedAt))
		if use, ok := state.KeyUses.Get(tx, keys[i].ID); ok {
			row = append(row, reportTime(use.At), use.Region, use.Service)
		} else {
			row = append(row, "N/A", "N/A", "N/A")
		}
	}
	return append(row, "false", "N/A", "false", "N/A")
}

func reportTime(t time.Time) string {
	if t.IsZero() {
		return "N/A"
	}
	return t.UTC().Format("2006-01-02T15:04:05+00:00")
}

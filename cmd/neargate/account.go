package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

// accountView is a new account with the keys of its root user, as
// `account create` prints it.
type accountView struct {
	AccountID       string `json:"AccountId"`
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string `json:"SecretAccessKey"`
}

func accountCommand(opts *options) *cobra.Command {
	account := &cobra.Command{
		Use:   "account",
		Short: "Work with AWS accounts",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	account.AddCommand(&cobra.Command{
		Use:   "create",
		Short: "Make a new, empty AWS account and print its keys as JSON",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := connect(opts)
			if err != nil {
				return err
			}
			var a accountView
			if err := r.call(cmd.Context(), "POST", "/_neargate/api/accounts", nil, &a); err != nil {
				return err
			}
			b, err := json.Marshal(a)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), string(b))
			return nil
		},
	})
	return account
}

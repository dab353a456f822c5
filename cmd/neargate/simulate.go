package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/cli"
	"github.com/spf13/cobra"
)

// simulated is one verdict of a simulation, as -o json prints it.
type simulated struct {
	Action, Resource string
	Decision         string   // allowed, implicitDeny or explicitDeny
	Statement        string   // the deciding one: its policy, Sid or number, line
	Boundary         string   // "denies" when the permissions boundary does not allow it
	Missing          []string // condition keys that the policies ask for and that were not given
}

func simulateCommand(opts *options) *cobra.Command {
	var resources, keys, files []string
	cmd := &cobra.Command{
		Use:   "simulate ROLE ACTION...",
		Short: "Ask what the policies of a role, user or group allow, and which statement decides",
		Long: `Ask the evaluator (SimulatePrincipalPolicy) what the policies of a role allow, without doing it. ROLE is a
name or an ARN; user/NAME and group/NAME are for others. Each answer names the statement that decides: its
policy, its Sid or number, and its line. Exit code 6 when something is denied.`,
		Example: "  neargate iam simulate app s3:GetObject s3:PutObject --resource arn:aws:s3:::bucket/key\n  neargate iam simulate user/ann iam:PassRole --resource arn:aws:iam::000000000000:role/app --context iam:PassedToService=ecs-tasks.amazonaws.com",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := connect(opts)
			if err != nil {
				return err
			}
			s := &simulator{iam: iamapi.NewClient(r)}
			in := &iamapi.SimulatePrincipalPolicyRequest{ActionNames: args[1:], ResourceArns: resources}
			if in.PolicySourceArn, err = s.source(cmd.Context(), args[0]); err != nil {
				return err
			}
			if in.ContextEntries, err = contextEntries(keys); err != nil {
				return err
			}
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					return &cli.Error{What: "cannot read the policy " + file, Why: err.Error(), Code: "cli.usage", Exit: cli.ExitUsage}
				}
				in.PolicyInputList = append(in.PolicyInputList, string(text))
			}
			all, err := s.run(cmd.Context(), in)
			if err != nil {
				return err
			}
			if opts.output == "json" {
				err = cli.JSON(cmd.OutOrStdout(), "iam simulate", all)
			} else {
				printSimulated(cmd.OutOrStdout(), all)
			}
			for _, v := range all {
				if err == nil && v.Decision != string(iamapi.PolicyEvaluationDecisionTypeAllowed) {
					err = cli.ExitStatus(cli.ExitProblems)
				}
			}
			return err
		},
	}
	cmd.Flags().StringArrayVar(&resources, "resource", nil, "ARN of a resource (more than once for more; all of them without)")
	cmd.Flags().StringArrayVar(&keys, "context", nil, "a condition key of the request: KEY=VALUE (more than once for more)")
	cmd.Flags().StringArrayVar(&files, "policy", nil, "file with a further policy, for example a suggestion")
	return cmd
}

// contextEntries reads KEY=VALUE; a key that comes again has several values.
func contextEntries(keys []string) ([]iamapi.ContextEntry, error) {
	var all []iamapi.ContextEntry
	at := map[string]int{}
	for _, k := range keys {
		name, value, ok := strings.Cut(k, "=")
		if !ok || name == "" {
			return nil, &cli.Error{What: "--context " + k + " is not KEY=VALUE", Fix: "--context iam:PassedToService=ecs-tasks.amazonaws.com", Code: "cli.usage", Exit: cli.ExitUsage}
		}
		if i, again := at[name]; again {
			all[i].ContextKeyValues, all[i].ContextKeyType = append(all[i].ContextKeyValues, value), iamapi.ContextKeyTypeEnumStringList
			continue
		}
		at[name] = len(all)
		all = append(all, iamapi.ContextEntry{ContextKeyName: name, ContextKeyType: iamapi.ContextKeyTypeEnumString, ContextKeyValues: []string{value}})
	}
	return all, nil
}

// simulator asks for simulations and finds the statements that decided.
type simulator struct {
	iam  iamapi.API
	read map[string]string // texts of policies by their source's id
}

// source is the ARN of what a person names.
func (s *simulator) source(ctx context.Context, name string) (string, error) {
	kind, rest, ok := strings.Cut(name, "/")
	switch {
	case strings.HasPrefix(name, "arn:"):
		return name, nil
	case ok && kind == "user":
		out, err := s.iam.GetUser(ctx, &iamapi.GetUserRequest{UserName: rest})
		if err != nil {
			return "", err
		}
		return out.User.Arn, nil
	case ok && kind == "group":
		out, err := s.iam.GetGroup(ctx, &iamapi.GetGroupRequest{GroupName: rest})
		if err != nil {
			return "", err
		}
		return out.Group.Arn, nil
	}
	out, err := s.iam.GetRole(ctx, &iamapi.GetRoleRequest{RoleName: strings.TrimPrefix(name, "role/")})
	if err != nil {
		return "", err
	}
	return out.Role.Arn, nil
}

func (s *simulator) run(ctx context.Context, in *iamapi.SimulatePrincipalPolicyRequest) ([]simulated, error) {
	all := []simulated{}
	s.read = map[string]string{}
	for i, text := range in.PolicyInputList {
		s.read["PolicyInputList."+strconv.Itoa(i+1)] = text
	}
	for {
		page, err := s.iam.SimulatePrincipalPolicy(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, e := range page.EvaluationResults {
			v := simulated{Action: e.EvalActionName, Resource: e.EvalResourceName, Decision: string(e.EvalDecision), Missing: e.MissingContextValues}
			if len(e.MatchedStatements) > 0 {
				v.Statement = s.statement(ctx, e.MatchedStatements[0])
			}
			if d := e.PermissionsBoundaryDecisionDetail; d != nil && !d.AllowedByPermissionsBoundary {
				v.Boundary = "denies"
			}
			all = append(all, v)
		}
		if !page.IsTruncated {
			return all, nil
		}
		in.Marker = page.Marker
	}
}

// statement names a statement: its policy, its Sid or number, its line.
func (s *simulator) statement(ctx context.Context, m iamapi.Statement) string {
	line := 0
	if m.StartPosition != nil {
		line = int(m.StartPosition.Line)
	}
	text, known := s.read[m.SourcePolicyId]
	if !known {
		text = s.policyText(ctx, m.SourcePolicyId)
		s.read[m.SourcePolicyId] = text
	}
	return fmt.Sprintf("statement %s (line %d) of %s", cmp.Or(statementAt(text, m.StartPosition), "?"), line, m.SourcePolicyId)
}

func printSimulated(w io.Writer, all []simulated) {
	s := cli.StyleFor(w)
	for _, v := range all {
		mark, verdict := s.Red("✗"), "no statement allows it"
		switch {
		case v.Decision == string(iamapi.PolicyEvaluationDecisionTypeAllowed):
			mark, verdict = s.Green("✓"), "allowed by "+v.Statement
		case v.Decision == string(iamapi.PolicyEvaluationDecisionTypeExplicitDeny):
			verdict = "denied by " + v.Statement
		case v.Boundary != "":
			verdict = "the permissions boundary does not allow it"
		}
		fmt.Fprintf(w, "%s %s on %s: %s\n", mark, s.Bold(v.Action), v.Resource, verdict)
		if len(v.Missing) > 0 {
			line(w, s, "Note", "the policies ask for "+strings.Join(v.Missing, ", ")+" (--context KEY=VALUE)")
		}
	}
}

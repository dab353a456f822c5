package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const (
	maxDashboardBody  = 1 << 20
	maxDashboardsPage = 1000
	maxDashboards     = 5000
	maxWidgets        = 500
)

var dashboardName = regexp.MustCompile(`^[0-9A-Za-z_-]{1,255}$`)

// PutDashboard makes a dashboard, or replaces its body.
func (s *Service) PutDashboard(ctx context.Context, in *cloudwatchapi.PutDashboardInput) (*cloudwatchapi.PutDashboardOutput, error) {
	id := caller.From(ctx)
	if !dashboardName.MatchString(in.DashboardName) {
		return nil, invalid("The value %s for field DashboardName contains invalid characters. It can only contain alphanumerics, dash (-) and underscore (_).", in.DashboardName)
	}
	problems, fatal := checkBody(in.DashboardBody)
	if fatal {
		return nil, &cloudwatchapi.DashboardInvalidInputError{Message: fmt.Sprintf("The field DashboardBody must be a valid JSON object. %s", problems[0].Message), DashboardValidationMessages: problems}
	}
	tags, err := checkTags(ctx, in.Tags)
	if err != nil {
		return nil, err
	}
	out := &cloudwatchapi.PutDashboardOutput{DashboardValidationMessages: problems}
	return out, s.DB.Write(ctx, func(tx *store.Tx) error {
		d := &state.Dashboard{Account: id.Account, Name: in.DashboardName, Body: in.DashboardBody, Tags: tags, ModifiedAt: s.now()}
		if old, ok := state.Dashboards.Get(tx, d.Key()); ok {
			d.Tags = old.Tags
		} else {
			n := 0
			for range state.Dashboards.All(tx, state.Prefix(id.Account, "")) {
				n++
			}
			if n >= maxDashboards {
				return invalid("The limit of %d dashboards has been reached.", maxDashboards)
			}
		}
		state.Dashboards.Put(tx, d)
		return nil
	})
}

// checkBody says what is wrong with the body of a dashboard, and whether it cannot be
// stored.
func checkBody(body string) (problems []cloudwatchapi.DashboardValidationMessage, fatal bool) {
	problems = []cloudwatchapi.DashboardValidationMessage{}
	problem := func(path, text string) {
		problems = append(problems, cloudwatchapi.DashboardValidationMessage{DataPath: path, Message: text})
	}
	var d struct {
		Widgets *[]struct {
			Type       string
			Properties map[string]any
		}
	}
	switch err := json.Unmarshal([]byte(body), &d); {
	case len(body) > maxDashboardBody:
		problem("/", "The dashboard body is larger than 1 MB")
		return problems, true
	case err != nil:
		problem("/", "The dashboard body is invalid, there was an error parsing it: "+err.Error())
		return problems, true
	case d.Widgets == nil:
		problem("/", "Should have property 'widgets'")
		return problems, true
	case len(*d.Widgets) > maxWidgets:
		problem("/widgets", fmt.Sprintf("Should not have more than %d items", maxWidgets))
		return problems, true
	}
	for i, w := range *d.Widgets {
		switch w.Type {
		case "metric", "text", "log", "alarm", "explorer", "custom":
			if w.Properties == nil {
				problem(fmt.Sprintf("/widgets/%d", i), "Should have property 'properties'")
			}
		default:
			problem(fmt.Sprintf("/widgets/%d/type", i), "Should be one of: metric, text, log, alarm, explorer, custom")
		}
	}
	return problems, false
}

// GetDashboard returns a dashboard.
func (s *Service) GetDashboard(ctx context.Context, in *cloudwatchapi.GetDashboardInput) (*cloudwatchapi.GetDashboardOutput, error) {
	d, ok := state.Dashboards.Get(s.DB.Read(), state.Key(caller.From(ctx).Account, "", in.DashboardName))
	if !ok {
		return nil, noDashboard(in.DashboardName)
	}
	return &cloudwatchapi.GetDashboardOutput{DashboardArn: d.ARN(), DashboardBody: d.Body, DashboardName: d.Name}, nil
}

func noDashboard(name string) error {
	return &cloudwatchapi.DashboardNotFoundError{Message: "Dashboard " + name + " does not exist"}
}

// ListDashboards lists the dashboards of the account.
func (s *Service) ListDashboards(ctx context.Context, in *cloudwatchapi.ListDashboardsInput) (*cloudwatchapi.ListDashboardsOutput, error) {
	all := []cloudwatchapi.DashboardEntry{}
	for d := range state.Dashboards.All(s.DB.Read(), state.Prefix(caller.From(ctx).Account, "")) {
		if strings.HasPrefix(d.Name, in.DashboardNamePrefix) {
			all = append(all, cloudwatchapi.DashboardEntry{DashboardName: d.Name, DashboardArn: d.ARN(), LastModified: d.ModifiedAt, Size: int64(len(d.Body))})
		}
	}
	shown, token, err := page(all, in.NextToken, maxDashboardsPage)
	return &cloudwatchapi.ListDashboardsOutput{DashboardEntries: shown, NextToken: token}, err
}

// DeleteDashboards removes dashboards, or none when one is not there.
func (s *Service) DeleteDashboards(ctx context.Context, in *cloudwatchapi.DeleteDashboardsInput) (*cloudwatchapi.DeleteDashboardsOutput, error) {
	account := caller.From(ctx).Account
	return &cloudwatchapi.DeleteDashboardsOutput{}, s.DB.Write(ctx, func(tx *store.Tx) error {
		for _, name := range in.DashboardNames {
			if !state.Dashboards.Delete(tx, state.Key(account, "", name)) {
				return noDashboard(name)
			}
		}
		return nil
	})
}

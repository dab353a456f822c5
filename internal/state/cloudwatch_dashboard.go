package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// Dashboard is a dashboard of CloudWatch. It has no region. Written by cloudwatch.
type Dashboard struct {
	Account, Name string

	Body       string // JSON
	Tags       []Tag
	ModifiedAt time.Time
}

// Key is the record's key.
func (d *Dashboard) Key() string { return Key(d.Account, "", d.Name) }

// ARN is the dashboard's ARN.
func (d *Dashboard) ARN() string { return DashboardARN(d.Account, d.Name) }

// DashboardARN is the ARN of the dashboard with a name.
func DashboardARN(account, name string) string {
	return "arn:aws:cloudwatch::" + account + ":dashboard/" + name
}

// Dashboards holds dashboards by account//name.
var Dashboards = store.Define("cloudwatch.dashboard", (*Dashboard).Key)

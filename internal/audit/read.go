package audit

import (
	"encoding/json"
	"iter"
	"strings"
	"time"
)

// Reader reads recorded events; see [Log].
type Reader interface {
	Read(account, region string, category Category, from *Position, backward bool) iter.Seq2[Stored, error]
	// Regions are those in which the account has events.
	Regions(account string) []string
}

// Global reports whether the events of a source ("iam.amazonaws.com") are those
// of us-east-1, wherever it was called.
func Global(source string) bool { return global[strings.TrimSuffix(source, ".amazonaws.com")] }

// Event is what is looked at of a recorded event.
type Event struct {
	ID        string     `json:"eventID"`
	Name      string     `json:"eventName"`
	Source    string     `json:"eventSource"`
	Region    string     `json:"awsRegion"`
	Time      time.Time  `json:"eventTime"`
	ReadOnly  bool       `json:"readOnly"`
	Category  Category   `json:"eventCategory"`
	ErrorCode string     `json:"errorCode"`
	Identity  Identity   `json:"userIdentity"`
	Resources []Resource `json:"resources"`
}

// Identity is who asked.
type Identity struct {
	Type        string `json:"type"`
	ARN         string `json:"arn"`
	AccessKeyID string `json:"accessKeyId"`
	UserName    string `json:"userName"`
}

// Resource is what an event was about.
type Resource struct {
	ARN  string `json:"ARN"`
	Type string `json:"type"`
}

// Parse reads the JSON of an event.
func Parse(text string) (*Event, error) {
	var e Event
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return nil, err
	}
	return &e, nil
}

// Username is the name by which LookupEvents finds who asked: of a user, or of
// a role's session; "root" for the account itself.
func (e *Event) Username() string {
	switch e.Identity.Type {
	case "Root":
		return "root"
	case "AssumedRole", "FederatedUser":
		return UserName(e.Identity.ARN)
	}
	return e.Identity.UserName
}

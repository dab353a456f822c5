package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// FlowLog says that the traffic of a VPC, a subnet or an interface is written into
// a log group or a bucket. Written by ec2.
type FlowLog struct {
	Account, Region, ID string // fl-...

	ResourceID    string // vpc-..., subnet-... or eni-...
	TrafficType   string // "ACCEPT", "REJECT" or "ALL"
	LogGroup      string // where the lines go, with the role's permissions
	RoleARN       string
	Bucket        string // or else where the files go, below the prefix
	Prefix        string
	Format        string // "" is AWS's default
	Interval      int32  // seconds, as given
	DeliveryError string // "" while delivery succeeds; "Access error", ...

	ClientToken string
	CreatedAt   time.Time
	Tags        []Tag
}

// Key is the record's key.
func (f *FlowLog) Key() string { return Key(f.Account, f.Region, f.ID) }

// FlowLogs holds the flow logs.
var FlowLogs = store.Define("ec2.flow-log", (*FlowLog).Key)

package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// Trail delivers events to a bucket. Written by cloudtrail; its loop writes the
// fields of Delivered and Delivery.
type Trail struct {
	Account, Region, Name string // Region is its home region

	Bucket, Prefix string
	GlobalEvents   bool // also those of global services
	MultiRegion    bool
	Selectors      []EventSelector // nil: all management events
	Tags           []Tag           // by key

	Logging              bool
	StartedAt, StoppedAt time.Time // logging, last time

	// Delivered is how far each stream of events ("Management/eu-west-1") has come.
	Delivered map[string]TrailPosition
	Delivery  TrailDelivery
}

// EventSelector says which events a trail wants.
type EventSelector struct {
	ReadWrite      string // All, ReadOnly, WriteOnly
	Management     bool
	ExcludeSources []string
	Data           []DataSelector
}

// DataSelector names resources whose data events are wanted by the start of their ARNs.
type DataSelector struct {
	Type   string // AWS::S3::Object
	Values []string
}

// TrailPosition is a place in a stream of events.
type TrailPosition struct {
	Time int64 // milliseconds since 1970
	Seq  uint64
}

// TrailDelivery is how the last delivery went.
type TrailDelivery struct {
	At, AttemptedAt time.Time
	Error           string
}

// Key is the record's key.
func (t *Trail) Key() string { return Key(t.Account, t.Region, t.Name) }

// ARN is the trail's ARN.
func (t *Trail) ARN() string {
	return "arn:aws:cloudtrail:" + t.Region + ":" + t.Account + ":trail/" + t.Name
}

// Trails holds trails by account/region/name.
var Trails = store.Define("cloudtrail.trail", (*Trail).Key)

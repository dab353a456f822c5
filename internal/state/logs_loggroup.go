package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// LogGroup is a group of log streams with the same retention. Written by logs.
type LogGroup struct {
	Account, Region, Name string

	CreatedAt          time.Time
	RetentionInDays    int32 // 0: events never expire
	DeletionProtection bool
	Tags               []Tag // by key
}

// Key is the record's key.
func (g *LogGroup) Key() string { return Key(g.Account, g.Region, g.Name) }

// ARN is the group's ARN, without the ":*" that DescribeLogGroups appends.
func (g *LogGroup) ARN() string {
	return "arn:aws:logs:" + g.Region + ":" + g.Account + ":log-group:" + g.Name
}

// LogGroups holds log groups by account/region/name.
var LogGroups = store.Define("logs.group", (*LogGroup).Key)

// LogStream is a sequence of log events of one source; the events are in
// logstore under the record's ID. Written by logs.
type LogStream struct {
	Account, Region, Group, Name string

	ID        string // in logstore; never reused
	CreatedAt time.Time
}

// Key is the record's key.
func (s *LogStream) Key() string { return LogStreamKey(s.Account, s.Region, s.Group, s.Name) }

// LogStreamKey is the key of a stream. Names have no colon, so with an empty
// name, or the start of one, it is the prefix of the streams that start so.
func LogStreamKey(account, region, group, name string) string {
	return Key(account, region, group) + ":" + name
}

// LogStreams holds log streams by account/region/group:name.
var LogStreams = store.Define("logs.stream", (*LogStream).Key)

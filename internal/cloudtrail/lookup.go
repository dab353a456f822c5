package cloudtrail

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/audit"
	"github.com/neargate/neargate/internal/aws/cloudtrailapi"
	"github.com/neargate/neargate/internal/caller"
)

const (
	defaultPage = 50
	// slack is how much later than it happened an event may have been stored: a
	// call is recorded when it ends.
	slack = 10 * time.Minute
)

// LookupEvents finds management events of the last 90 days in this region, the
// newest first. One attribute can be asked for at a time, as on AWS.
func (s *Service) LookupEvents(ctx context.Context, in *cloudtrailapi.LookupEventsRequest) (*cloudtrailapi.LookupEventsResponse, error) {
	switch {
	case len(in.LookupAttributes) > 1:
		return nil, &cloudtrailapi.InvalidLookupAttributesException{Message: "You can specify only one lookup attribute."}
	case in.EventCategory != "":
		return nil, refused("EventCategory " + string(in.EventCategory))
	case !in.StartTime.IsZero() && !in.EndTime.IsZero() && in.StartTime.After(in.EndTime):
		return nil, &cloudtrailapi.InvalidTimeRangeException{Message: "The start time must be before the end time."}
	}
	limit := defaultPage
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	from, err := readToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	s.Events.Settle(ctx)
	id := caller.From(ctx)
	earliest := s.Now().Add(-audit.Retention)
	if in.StartTime.After(earliest) {
		earliest = in.StartTime
	}
	out := &cloudtrailapi.LookupEventsResponse{Events: []cloudtrailapi.Event{}}
	var last audit.Position
	for stored, err := range s.Events.Read(id.Account, id.Region, audit.Management, from, true) {
		switch {
		case err != nil:
			return nil, err
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case stored.Position.Time < earliest.UnixMilli():
			return out, nil
		case !in.EndTime.IsZero() && stored.Position.Time > in.EndTime.Add(slack).UnixMilli() || !mayMatch(in.LookupAttributes, stored.JSON):
			continue
		}
		e, err := audit.Parse(stored.JSON)
		if err != nil {
			return nil, err
		}
		if e.Time.Before(earliest.Truncate(time.Second)) || !in.EndTime.IsZero() && e.Time.After(in.EndTime) || !matches(in.LookupAttributes, e) {
			continue
		}
		if len(out.Events) == limit {
			out.NextToken = writeToken(last)
			return out, nil
		}
		out.Events = append(out.Events, describeEvent(e, stored.JSON))
		last = stored.Position
	}
	return out, nil
}

// mayMatch looks for the value in the text of the event, which is quicker than
// to read it.
func mayMatch(attributes []cloudtrailapi.LookupAttribute, text string) bool {
	for _, a := range attributes {
		switch a.AttributeKey {
		case cloudtrailapi.LookupAttributeKeyReadOnly, cloudtrailapi.LookupAttributeKeyResourceType:
		default:
			quoted, _ := json.Marshal(a.AttributeValue)
			if !strings.Contains(text, strings.Trim(string(quoted), `"`)) && !strings.Contains(text, a.AttributeValue) {
				return false
			}
		}
	}
	return true
}

func matches(attributes []cloudtrailapi.LookupAttribute, e *audit.Event) bool {
	for _, a := range attributes {
		v, ok := a.AttributeValue, false
		switch a.AttributeKey {
		case cloudtrailapi.LookupAttributeKeyEventId:
			ok = e.ID == v
		case cloudtrailapi.LookupAttributeKeyEventName:
			ok = e.Name == v
		case cloudtrailapi.LookupAttributeKeyReadOnly:
			ok = strconv.FormatBool(e.ReadOnly) == strings.ToLower(v)
		case cloudtrailapi.LookupAttributeKeyUsername:
			ok = e.Username() == v
		case cloudtrailapi.LookupAttributeKeyEventSource:
			ok = e.Source == v
		case cloudtrailapi.LookupAttributeKeyAccessKeyId:
			ok = e.Identity.AccessKeyID == v
		case cloudtrailapi.LookupAttributeKeyResourceType:
			ok = slices.ContainsFunc(e.Resources, func(r audit.Resource) bool { return r.Type == v })
		case cloudtrailapi.LookupAttributeKeyResourceName:
			ok = slices.ContainsFunc(e.Resources, func(r audit.Resource) bool { return r.ARN == v || audit.ResourceName(r.ARN) == v })
		}
		if !ok {
			return false
		}
	}
	return true
}

func describeEvent(e *audit.Event, text string) cloudtrailapi.Event {
	out := cloudtrailapi.Event{
		EventId: e.ID, EventName: e.Name, ReadOnly: strconv.FormatBool(e.ReadOnly), AccessKeyId: e.Identity.AccessKeyID, EventTime: e.Time,
		EventSource: e.Source, Username: e.Username(), Resources: []cloudtrailapi.Resource{}, CloudTrailEvent: text,
	}
	for _, r := range e.Resources {
		out.Resources = append(out.Resources, cloudtrailapi.Resource{ResourceType: r.Type, ResourceName: audit.ResourceName(r.ARN)})
	}
	return out
}

func writeToken(p audit.Position) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.Time, 10) + "." + strconv.FormatUint(p.Seq, 10)))
}

func readToken(token string) (*audit.Position, error) {
	if token == "" {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	at, seq, _ := strings.Cut(string(raw), ".")
	t, timeErr := strconv.ParseInt(at, 10, 64)
	n, seqErr := strconv.ParseUint(seq, 10, 64)
	if err != nil || timeErr != nil || seqErr != nil {
		return nil, &cloudtrailapi.InvalidNextTokenException{Message: "Invalid token."}
	}
	return &audit.Position{Time: t, Seq: n}, nil
}

package cloudtrail

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/audit"
	"github.com/neargate/neargate/internal/aws/cloudtrailapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// PutEventSelectors says which events a trail delivers.
func (s *Service) PutEventSelectors(ctx context.Context, in *cloudtrailapi.PutEventSelectorsRequest) (*cloudtrailapi.PutEventSelectorsResponse, error) {
	if in.AdvancedEventSelectors != nil {
		return nil, refused("AdvancedEventSelectors")
	}
	selectors, err := readSelectors(in.EventSelectors)
	if err != nil {
		return nil, err
	}
	t, err := s.update(ctx, in.TrailName, func(t *state.Trail) error { t.Selectors = selectors; return nil })
	if err != nil {
		return nil, err
	}
	return &cloudtrailapi.PutEventSelectorsResponse{TrailARN: t.ARN(), EventSelectors: describeSelectors(t)}, nil
}

// GetEventSelectors tells which events a trail delivers.
func (s *Service) GetEventSelectors(ctx context.Context, in *cloudtrailapi.GetEventSelectorsRequest) (*cloudtrailapi.GetEventSelectorsResponse, error) {
	t, err := s.find(s.DB.Read(), caller.From(ctx), in.TrailName)
	if err != nil {
		return nil, err
	}
	return &cloudtrailapi.GetEventSelectorsResponse{TrailARN: t.ARN(), EventSelectors: describeSelectors(t)}, nil
}

// dataTypes are the resources whose data events can be chosen.
var dataTypes = []string{"AWS::S3::Object"}

func readSelectors(in []cloudtrailapi.EventSelector) ([]state.EventSelector, error) {
	invalid := func(text string) error { return &cloudtrailapi.InvalidEventSelectorsException{Message: text} }
	if len(in) == 0 || len(in) > 5 {
		return nil, invalid("The number of event selectors must be between 1 and 5.")
	}
	var selectors []state.EventSelector
	resources := 0
	for _, e := range in {
		selector := state.EventSelector{ReadWrite: string(e.ReadWriteType), Management: e.IncludeManagementEvents == nil || *e.IncludeManagementEvents, ExcludeSources: e.ExcludeManagementEventSources}
		if selector.ReadWrite == "" {
			selector.ReadWrite = "All"
		}
		for _, source := range e.ExcludeManagementEventSources {
			if source != "kms.amazonaws.com" && source != "rdsdata.amazonaws.com" {
				return nil, invalid("Value " + source + " for ExcludeManagementEventSources is invalid. Valid values are kms.amazonaws.com and rdsdata.amazonaws.com.")
			}
		}
		for _, d := range e.DataResources {
			if !slices.Contains(dataTypes, d.Type) {
				return nil, refused("The data resource type " + d.Type)
			}
			for _, value := range d.Values {
				if !strings.HasPrefix(value, "arn:aws:s3") {
					return nil, invalid("Value " + value + " for DataResources.Values is invalid.")
				}
			}
			resources += len(d.Values)
			selector.Data = append(selector.Data, state.DataSelector{Type: d.Type, Values: d.Values})
		}
		selectors = append(selectors, selector)
	}
	if resources > 250 {
		return nil, invalid("The number of data resources of all event selectors must not exceed 250.")
	}
	return selectors, nil
}

// defaultSelectors are what a trail delivers without selectors of its own.
var defaultSelectors = []state.EventSelector{{ReadWrite: "All", Management: true}}

func selectorsOf(t *state.Trail) []state.EventSelector {
	if t.Selectors == nil {
		return defaultSelectors
	}
	return t.Selectors
}

func describeSelectors(t *state.Trail) []cloudtrailapi.EventSelector {
	var out []cloudtrailapi.EventSelector
	for _, s := range selectorsOf(t) {
		e := cloudtrailapi.EventSelector{
			ReadWriteType: cloudtrailapi.ReadWriteType(s.ReadWrite), IncludeManagementEvents: &s.Management,
			DataResources: []cloudtrailapi.DataResource{}, ExcludeManagementEventSources: slices.Concat([]string{}, s.ExcludeSources),
		}
		for _, d := range s.Data {
			e.DataResources = append(e.DataResources, cloudtrailapi.DataResource{Type: d.Type, Values: slices.Concat([]string{}, d.Values)})
		}
		out = append(out, e)
	}
	return out
}

// wants reports whether a trail delivers an event.
func wants(t *state.Trail, e *audit.Event) bool {
	return slices.ContainsFunc(selectorsOf(t), func(s state.EventSelector) bool {
		switch {
		case s.ReadWrite == "ReadOnly" && !e.ReadOnly, s.ReadWrite == "WriteOnly" && e.ReadOnly:
			return false
		case e.Category == audit.Management:
			return s.Management && !slices.Contains(s.ExcludeSources, e.Source)
		}
		return slices.ContainsFunc(s.Data, func(d state.DataSelector) bool { return wantsData(d, e) })
	})
}

// wantsData compares by the start of ARNs: arn:aws:s3:::bucket/ is a whole
// bucket, arn:aws:s3 every one.
func wantsData(d state.DataSelector, e *audit.Event) bool {
	if e.Source != "s3.amazonaws.com" {
		return false
	}
	for _, r := range e.Resources {
		for _, value := range d.Values {
			if value == "arn:aws:s3" || value == "arn:aws:s3:::" || strings.HasPrefix(r.ARN+"/", value) {
				return true
			}
		}
	}
	return false
}

// category reports whether a trail can want events of a category at all.
func category(t *state.Trail, c audit.Category) bool {
	return slices.ContainsFunc(selectorsOf(t), func(s state.EventSelector) bool {
		return c == audit.Management && s.Management || c == audit.Data && len(s.Data) > 0
	})
}

package cloudwatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/metrics"
)

const (
	maxData   = 1000 // of a request
	maxValues = 150  // of one of its data
	pastData  = 14 * 24 * time.Hour
	aheadData = 2 * time.Hour
)

// largest is the largest value of a metric.
var largest = math.Pow(2, 360)

// PutMetricData stores values of metrics.
func (s *Service) PutMetricData(ctx context.Context, in *cloudwatchapi.PutMetricDataInput) error {
	if len(in.EntityMetricData) > 0 || in.StrictEntityValidation != nil {
		return refused("The parameter EntityMetricData")
	}
	id := caller.From(ctx)
	switch {
	case id.ServiceName == "" && strings.HasPrefix(in.Namespace, "AWS/"):
		return invalid("The value AWS/ for parameter Namespace is invalid.")
	case len(in.MetricData) == 0:
		return missing("MetricData")
	case len(in.MetricData) > maxData:
		return invalid("The collection MetricData must not have a size greater than %d.", maxData)
	}
	type measured struct {
		key   metrics.Key
		step  int64
		point *metrics.Point
	}
	var all []measured
	for i, d := range in.MetricData {
		at := fmt.Sprintf("MetricData.member.%d", i+1)
		point, err := s.point(at, d)
		if err != nil {
			return err
		}
		dims, err := dimensions(at, d.Dimensions)
		if err != nil {
			return err
		}
		step := int64(wire.Or(d.StorageResolution, 60))
		if step != 1 && step != 60 {
			return invalid("The parameter %s.StorageResolution must have a value of 1 or 60.", at)
		}
		key := metrics.Key{Account: id.Account, Region: id.Region, Namespace: in.Namespace, Name: d.MetricName, Dimensions: dims, Unit: cmp.Or(string(d.Unit), "None")}
		all = append(all, measured{key, step, point})
	}
	if s.Metrics == nil {
		return nil
	}
	for _, m := range all {
		if err := s.Metrics.Put(m.key, m.step, m.point); errors.Is(err, metrics.ErrFull) {
			return &cloudwatchapi.LimitExceededFault{Message: "The limit of metrics of this instance of Neargate has been reached."}
		} else if err != nil {
			return err
		}
	}
	s.noticeData(id.Account, id.Region, in)
	return nil
}

// point is what one datum says.
func (s *Service) point(at string, d cloudwatchapi.MetricDatum) (*metrics.Point, error) {
	p := &metrics.Point{Start: d.Timestamp}
	now := s.now()
	switch {
	case p.Start.IsZero():
		p.Start = now
	case p.Start.Before(now.Add(-pastData)):
		return nil, invalid("The parameter %s.Timestamp must specify a time no more than two weeks in the past.", at)
	case p.Start.After(now.Add(aheadData)):
		return nil, invalid("The parameter %s.Timestamp must specify a time no more than two hours in the future.", at)
	}
	var given []string
	if d.Value != nil {
		given = append(given, at+".Value")
	}
	if len(d.Values) > 0 {
		given = append(given, at+".Values")
	}
	if d.StatisticValues != nil {
		given = append(given, at+".StatisticValues")
	}
	switch {
	case len(given) > 1:
		return nil, combination("The parameters %s and %s are mutually exclusive and you have specified both.", given[0], given[1])
	case len(given) == 0:
		return nil, missing(at + ".Value")
	case len(d.Values) > maxValues:
		return nil, invalid("The collection %s.Values must not have a size greater than %d.", at, maxValues)
	case len(d.Counts) > 0 && len(d.Counts) != len(d.Values):
		return nil, invalid("The parameters %[1]s.Values and %[1]s.Counts must be of the same size.", at)
	}
	return p, fill(p, at, d)
}

// fill adds a datum's values to a point.
func fill(p *metrics.Point, at string, d cloudwatchapi.MetricDatum) error {
	if v := d.StatisticValues; v != nil {
		for name, x := range map[string]float64{"SampleCount": v.SampleCount, "Sum": v.Sum, "Minimum": v.Minimum, "Maximum": v.Maximum} {
			if err := number(at+".StatisticValues."+name, x); err != nil {
				return err
			}
		}
		if v.SampleCount <= 0 {
			return invalid("The parameter %s.StatisticValues.SampleCount must be greater than 0.", at)
		}
		if v.Minimum > v.Maximum {
			return invalid("The parameter %[1]s.StatisticValues.Maximum must be greater than %[1]s.StatisticValues.Minimum.", at)
		}
		p.AddStatistics(v.Sum, v.Minimum, v.Maximum, v.SampleCount)
		return nil
	}
	if d.Value != nil {
		if err := number(at+".Value", *d.Value); err != nil {
			return err
		}
		p.Add(*d.Value, 1)
	}
	for i, v := range d.Values {
		if err := number(fmt.Sprintf("%s.Values.member.%d", at, i+1), v); err != nil {
			return err
		}
		n := 1.0
		if len(d.Counts) > 0 {
			n = d.Counts[i]
		}
		if !(n > 0) || math.IsInf(n, 0) {
			return invalid("The value %v for parameter %s.Counts.member.%d is invalid.", n, at, i+1)
		}
		p.Add(v, n)
	}
	return nil
}

func number(at string, v float64) error {
	if math.IsNaN(v) || math.Abs(v) > largest {
		return invalid("The value %v for parameter %s is invalid.", v, at)
	}
	return nil
}

// dimensions checks a request's dimensions.
func dimensions(at string, in []cloudwatchapi.Dimension) (metrics.Dimensions, error) {
	var out []metrics.Dimension
	seen := map[string]bool{}
	for i, d := range in {
		field := fmt.Sprintf("%s.Dimensions.member.%d", at, i+1)
		switch {
		case seen[d.Name]:
			return "", invalid("The parameter %s.Dimensions has the dimension name %s more than once.", at, d.Name)
		case strings.HasPrefix(d.Name, ":"):
			return "", invalid("The parameter %s.Name must not start with a colon.", field)
		case strings.TrimSpace(d.Name) == "" || strings.TrimSpace(d.Value) == "" || !plainText(d.Name) || !plainText(d.Value):
			return "", invalid("The parameter %s must contain only ASCII characters and at least one that is not whitespace.", field)
		}
		seen[d.Name] = true
		out = append(out, metrics.Dimension{Name: d.Name, Value: d.Value})
	}
	return metrics.Dims(out...), nil
}

// plainText is what names and values of dimensions may be: ASCII without control
// characters.
func plainText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r > 0x7e })
}

package cloudwatch

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/cloudwatch/expression"
	"github.com/neargate/neargate/internal/metrics"
)

// maxPoints bounds what a question may come to, all its queries together.
const maxPoints = 2_000_000

var queryID = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)

// query is a MetricDataQuery that was checked: a metric or an expression.
type query struct {
	cloudwatchapi.MetricDataQuery
	key        metrics.Key
	statistic  metrics.Statistic
	expression *expression.Expression
}

// returned says whether the query's data is wanted, not only that of expressions on it.
func (q *query) returned() bool { return wire.Or(q.ReturnData, true) }

// checkQueries reads the queries of a request of an account and region.
func checkQueries(account, region, field string, in []cloudwatchapi.MetricDataQuery) ([]*query, error) {
	var out []*query
	for i, given := range in {
		at := fmt.Sprintf("%s.member.%d", field, i+1)
		q := &query{MetricDataQuery: given}
		switch {
		case !queryID.MatchString(given.Id):
			return nil, validation("The value '%s' for parameter %s.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.", given.Id, at)
		case slices.ContainsFunc(out, func(o *query) bool { return o.Id == given.Id }):
			return nil, validation("The values for parameter id in %s are not unique.", field)
		case given.AccountId != "" && given.AccountId != account:
			return nil, refused("The metrics of other accounts (AccountId)")
		case given.MetricStat == nil && given.Expression == "" || given.MetricStat != nil && given.Expression != "":
			return nil, validation("Exactly one of the parameters %[1]s.MetricStat and %[1]s.Expression must be specified.", at)
		}
		if given.Expression != "" {
			var err error
			if q.expression, err = expression.Parse(given.Expression); err != nil {
				return nil, validation("Error in expression '%s': %s", given.Id, err.Error())
			}
			out = append(out, q)
			continue
		}
		m := given.MetricStat
		dims, err := dimensions(at+".MetricStat.Metric", m.Metric.Dimensions)
		if err != nil {
			return nil, validation("%s", err.(wire.Error).ErrorMessage())
		}
		var ok bool
		q.statistic, ok = metrics.ParseStatistic(m.Stat)
		switch {
		case !ok:
			return nil, validation("The value '%s' for parameter %s.MetricStat.Stat is not a valid statistic.", m.Stat, at)
		case !validPeriod(m.Period):
			return nil, validation("The parameter %s.MetricStat.Period must have a value of 1, 5, 10, 20, 30 or a multiple of 60.", at)
		case m.Metric.Namespace == "" || m.Metric.MetricName == "":
			return nil, validation("The parameters %[1]s.MetricStat.Metric.Namespace and %[1]s.MetricStat.Metric.MetricName are required.", at)
		}
		q.key = metrics.Key{Account: account, Region: region, Namespace: m.Metric.Namespace, Name: m.Metric.MetricName, Dimensions: dims, Unit: string(m.Unit)}
		out = append(out, q)
	}
	for _, q := range out {
		if q.expression == nil {
			continue
		}
		for _, name := range q.expression.Names {
			if !slices.ContainsFunc(out, func(o *query) bool { return o.Id == name }) {
				return nil, validation("Error in expression '%s': unknown identifier %s", q.Id, name)
			}
		}
	}
	return out, nil
}

// question is a set of queries about a time.
type question struct {
	service    *Service
	queries    []*query
	start, end time.Time
	// anchored lets every period end at end, as alarms count them, and not begin at start.
	anchored bool
	points   map[string][]metrics.Point
	known    map[string]answer
	open     map[string]bool // expressions that are being carried out
}

type answer struct {
	list    []expression.Series
	several bool
}

func (s *Service) ask(queries []*query, start, end time.Time) *question {
	return &question{service: s, queries: queries, start: start, end: end, points: map[string][]metrics.Point{}, known: map[string]answer{}, open: map[string]bool{}}
}

// size is how many points the question may come to.
func (a *question) size() int64 {
	var n int64
	for _, q := range a.queries {
		period := int64(60)
		if q.MetricStat != nil {
			period = int64(q.MetricStat.Period)
		}
		n += int64(a.end.Sub(a.start)/time.Second) / period
	}
	return n
}

// answer returns the series of a query.
func (a *question) answer(ctx context.Context, q *query) (answer, error) {
	if known, ok := a.known[q.Id]; ok {
		return known, nil
	}
	out := answer{}
	if q.expression == nil {
		series, err := a.measured(ctx, q)
		if err != nil {
			return out, err
		}
		out.list = []expression.Series{series}
	} else {
		if a.open[q.Id] {
			return out, validation("Error in expression '%s': it refers to itself", q.Id)
		}
		a.open[q.Id] = true
		list, several, err := q.expression.Eval(a.input(ctx))
		if _, ours := err.(wire.Error); err != nil && !ours {
			err = validation("Error in expression '%s': %s", q.Id, err.Error())
		}
		if err != nil {
			return out, err
		}
		for i := range list {
			if !several || q.Label != "" {
				list[i].Label = cmp.Or(q.Label, q.Id)
			}
		}
		out = answer{list, several}
	}
	a.known[q.Id] = out
	return out, nil
}

func (a *question) measured(ctx context.Context, q *query) (expression.Series, error) {
	period := time.Duration(q.MetricStat.Period) * time.Second
	start := rounded(a.start, a.service.now(), period)
	if a.anchored {
		start = a.end.Add(-a.end.Sub(a.start) / period * period)
	}
	points, err := a.service.read(ctx, q.key, period, start, a.end)
	a.points[q.Id] = points
	series := expression.Series{Label: cmp.Or(q.Label, q.key.Name), Period: int64(q.MetricStat.Period)}
	for i := range points {
		if v, ok := q.statistic(&points[i]); ok {
			series.Points = append(series.Points, expression.Point{At: points[i].Start.Unix(), Value: v})
		}
	}
	return series, err
}

// input is what expressions of the question are carried out on.
func (a *question) input(ctx context.Context) expression.Input {
	shortest := time.Minute
	for _, q := range a.queries {
		if q.MetricStat != nil {
			shortest = min(shortest, time.Duration(q.MetricStat.Period)*time.Second)
		}
	}
	return expression.Input{
		Start: rounded(a.start, a.service.now(), shortest).Unix(), End: a.end.Unix(),
		Find: func(name string) ([]expression.Series, bool, error) {
			i := slices.IndexFunc(a.queries, func(q *query) bool { return q.Id == name })
			found, err := a.answer(ctx, a.queries[i])
			return found.list, found.several, err
		},
		All: func() []expression.Series {
			var all []expression.Series
			for _, q := range a.queries {
				if q.expression == nil {
					if found, err := a.answer(ctx, q); err == nil {
						all = append(all, found.list...)
					}
				}
			}
			return all
		},
	}
}

package metrics

import (
	"context"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.now = func() time.Time { return noon }
	return s
}

func key(name string, dims ...Dimension) Key {
	return Key{Account: "000000000000", Region: "us-east-1", Namespace: "AWS/ApplicationELB", Name: name, Unit: "Count", Dimensions: Dims(dims...)}
}

func read(t *testing.T, s *Store, k Key, period time.Duration, from time.Time) []Point {
	t.Helper()
	points, err := s.Read(context.Background(), k, period, from, noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return points
}

// One record counts in each set of dimensions, over a restart.
func TestARecordCountsInEachSetAndSurvives(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.db")
	s := open(t, path)
	lb, zone := Dimension{"LoadBalancer", "app/a/1"}, Dimension{"AvailabilityZone", "us-east-1a"}
	m := s.Metric(key("RequestCount", lb), Dims(lb, zone))
	m.Record(noon.Add(time.Second), 1)
	m.Record(noon.Add(2*time.Second), 3)
	if got := read(t, s, key("RequestCount", lb), time.Minute, noon); len(got) != 1 || got[0].Sum != 4 || got[0].Count != 2 || got[0].Min != 1 || got[0].Max != 3 {
		t.Errorf("at once: %+v", got)
	}
	m.Record(noon.Add(3*time.Second), 5)
	m.Record(noon.Add(61*time.Second), 7)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	defer s.Close()
	for _, k := range []Key{key("RequestCount", lb), key("RequestCount", zone, lb)} {
		got := read(t, s, k, time.Minute, noon)
		if len(got) != 2 || got[0].Sum != 9 || got[1].Sum != 7 || !got[1].Start.Equal(noon.Add(time.Minute)) {
			t.Errorf("%v after a restart: %+v", k, got)
		}
		if got := read(t, s, k, 5*time.Minute, noon); len(got) != 1 || got[0].Sum != 16 || got[0].Count != 4 {
			t.Errorf("%v of 5 minutes: %+v", k, got)
		}
	}
	all := s.Series("000000000000", "us-east-1")
	if len(all) != 2 || !all[0].Last.Equal(noon.Add(time.Minute)) || len(s.Series("000000000000", "eu-west-1")) != 0 {
		t.Errorf("series %v", all)
	}
}

func TestNobodyIsAskedToRecord(t *testing.T) {
	var none *Store
	none.Metric(key("RequestCount")).Record(noon, 1) // does nothing
}

func TestSecondsCountForTheirMinute(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "metrics.db"))
	defer s.Close()
	for i := range 3 {
		p := &Point{Start: noon.Add(time.Duration(10*i) * time.Second)}
		p.Add(float64(i), 1)
		if err := s.Put(key("Fine"), 1, p); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, s, key("Fine"), 10*time.Second, noon); len(got) != 3 || got[2].Sum != 2 {
		t.Errorf("seconds %+v", got)
	}
	if got := read(t, s, key("Fine"), time.Minute, noon); len(got) != 1 || got[0].Sum != 3 || got[0].Count != 3 {
		t.Errorf("minutes %+v", got)
	}
}

// Old minutes are there as 5 minutes, very old ones not at all.
func TestPointsAge(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "metrics.db"))
	defer s.Close()
	old, ancient := noon.Add(-20*day), noon.Add(-500*day)
	for i := range 10 {
		for _, at := range []time.Time{old, ancient, noon} {
			p := &Point{Start: at.Add(time.Duration(i) * time.Minute)}
			p.Add(1, 1)
			if err := s.Put(key("Old"), 60, p); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.age(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from   time.Time
		period time.Duration
		points int
		sum    float64
	}{
		{noon, time.Minute, 10, 1}, {noon, 5 * time.Minute, 2, 5}, {ancient, day, 21, 0},
	} {
		got := read(t, s, key("Old"), c.period, c.from)
		if c.from.Equal(ancient) { // the days since then that have any
			if len(got) != 2 {
				t.Errorf("after aging there are %d days", len(got))
			}
			continue
		}
		if len(got) != c.points || got[0].Sum != c.sum {
			t.Errorf("%v of %v: %+v", c.period, c.from, got)
		}
	}
	if got, _ := s.Read(t.Context(), key("Old"), time.Minute, old, old.Add(time.Hour)); len(got) != 0 {
		t.Errorf("old minutes remain: %v", got)
	}
	if got, _ := s.Read(t.Context(), key("Old"), 5*time.Minute, old, old.Add(time.Hour)); len(got) != 2 || got[0].Sum != 5 {
		t.Errorf("old minutes became %v", got)
	}
}

func TestSeriesAreForgottenWithTheirLastPoint(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "metrics.db"))
	defer s.Close()
	p := &Point{Start: noon.Add(-456 * day)}
	p.Add(1, 1)
	if err := s.Put(key("Gone"), 60, p); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.age(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all := s.Series("000000000000", "us-east-1"); len(all) != 0 {
		t.Errorf("still there: %v", all)
	}
}

func TestStatistics(t *testing.T) {
	var p Point
	for i := 1; i <= 100; i++ {
		p.Add(float64(i), 1)
	}
	for name, want := range map[string]float64{
		"SampleCount": 100, "Sum": 5050, "Average": 50.5, "Minimum": 1, "Maximum": 100, "p50": 50.5, "p0": 1, "p100": 100, "p90": 90.1,
		"tm90": 45.5, "TM(10%:90%)": 50.5, "TC(:50)": 50, "TS(50:)": 3775, "PR(:25)": 25, "PR(25:75)": 50, "IQM": 50.5, "tc90": 90,
	} {
		s, ok := ParseStatistic(name)
		if !ok {
			t.Errorf("%s is not known", name)
			continue
		}
		if got, ok := s(&p); !ok || math.Abs(got-want) > 1e-9 {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	for _, name := range []string{"", "p", "p101", "px", "average", "TM(90%:10%)", "TM(:)", "PR(1%:2%)", "TM(10:90%)", "XX(1:2)", "p99.12345678901"} {
		if _, ok := ParseStatistic(name); ok {
			t.Errorf("%q is a statistic", name)
		}
	}
	var given Point
	given.AddStatistics(10, 1, 9, 2)
	if _, ok := given.Percentile(50); ok {
		t.Error("a percentile of values that nobody knows")
	}
}

// However values are split into points, stored and merged, statistics stay exact and
// percentiles within the width of a bucket.
func TestMergedPercentilesAreClose(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(0.0001, 100), 1, 1500).Draw(t, "values")
		parts := make([]Point, 3)
		sum := 0.0
		for i, v := range values {
			parts[i%3].Add(v, 1)
			sum += v
		}
		var all Point
		for i := range parts {
			stored, err := decodePoint(parts[i].encode())
			if err != nil {
				t.Fatal(err)
			}
			all.Merge(stored)
		}
		slices.Sort(values)
		if all.Count != float64(len(values)) || all.Min != values[0] || all.Max != values[len(values)-1] || math.Abs(all.Sum-sum) > 1e-9*sum {
			t.Fatalf("%+v", all)
		}
		if len(all.values.counts) > maxBuckets {
			t.Fatalf("%d buckets", len(all.values.counts))
		}
		for _, q := range []float64{0, 25, 50, 90, 99, 100} {
			got, ok := all.Percentile(q)
			rank := q / 100 * float64(len(values)-1)
			low, high := values[int(math.Floor(rank))], values[int(math.Ceil(rank))]
			if !ok || got < low*0.88 || got > high*1.14 {
				t.Fatalf("p%v of %d values = %v, not in %v..%v", q, len(values), got, low, high)
			}
		}
	})
}

func FuzzDecodePoint(f *testing.F) {
	var p Point
	p.Add(1, 2)
	p.Add(7, 0.5)
	f.Add(p.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := decodePoint(b); err == nil {
			p.encode()
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	m := &Metric{store: &Store{}}
	b.ReportAllocs()
	for i := range b.N {
		m.Record(noon, float64(i%1000)/1000)
	}
}

package metrics

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver named "sqlite"
)

const (
	flushEvery = 5 * time.Second
	ageEvery   = 30 * time.Minute
	// maxSeries bounds the names that are kept, and maxWaiting the points of Put that
	// wait for the disk.
	maxSeries  = 50_000
	maxWaiting = 200_000
)

// ErrFull is given when there are too many series, or too much waits for the disk.
var ErrFull = errors.New("metrics: there is no room for more")

// Store keeps series in a file.
type Store struct {
	db  *sql.DB
	log *slog.Logger
	now func() time.Time

	mu      sync.Mutex
	series  map[Key]*series
	dirty   []*Metric
	waiting map[cell]*Point

	writing sync.Mutex // held by whoever changes the file
}

// series is what is known of a series without its points.
type series struct {
	id   int64 // 0: not in the file yet
	last int64 // when its newest point begins, in seconds since 1970
}

// cell is the place of a point: its series, its length and its start in seconds.
type cell struct {
	key         Key
	step, start int64
}

// Open opens the file, or makes it. Close stores what has gathered.
func Open(path string, log *slog.Logger) (*Store, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, fmt.Errorf("metrics: opening %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	s := &Store{db: db, log: log, now: time.Now, series: map[Key]*series{}, waiting: map[cell]*Point{}}
	if err := s.load(); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("metrics: %s: %w", path, err)
	}
	return s, nil
}

const schema = `
CREATE TABLE IF NOT EXISTS series (
	id INTEGER PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
	dimensions TEXT NOT NULL, unit TEXT NOT NULL, last INTEGER NOT NULL,
	UNIQUE (account, region, namespace, name, dimensions, unit));
CREATE TABLE IF NOT EXISTS point (
	series INTEGER NOT NULL, step INTEGER NOT NULL, start INTEGER NOT NULL, data BLOB NOT NULL,
	PRIMARY KEY (series, step, start)) WITHOUT ROWID`

func (s *Store) load() error {
	if _, err := s.db.Exec(schema); err != nil {
		return err
	}
	rows, err := s.db.Query("SELECT id, account, region, namespace, name, dimensions, unit, last FROM series")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k Key
		var v series
		if err := rows.Scan(&v.id, &k.Account, &k.Region, &k.Namespace, &k.Name, &k.Dimensions, &k.Unit, &v.last); err != nil {
			return err
		}
		s.series[k] = &v
	}
	return rows.Err()
}

// Run stores what gathers, and lets points age, until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	flush, age := time.NewTicker(flushEvery), time.NewTicker(ageEvery)
	defer flush.Stop()
	defer age.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return s.Flush(context.WithoutCancel(ctx))
		case <-flush.C:
			err = s.Flush(ctx)
		case <-age.C:
			err = s.age(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.log.Error("metrics are not stored", "error", err)
		}
	}
}

// Close stores what has gathered and closes the file.
func (s *Store) Close() error {
	return errors.Join(s.Flush(context.Background()), s.db.Close())
}

// Put adds a point to the second (step 1) or minute (step 60) in which it starts.
// Seconds count for their minute, too.
func (s *Store) Put(k Key, step int64, p *Point) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.series[k] == nil && len(s.series) >= maxSeries || len(s.waiting) >= maxWaiting {
		return ErrFull
	}
	for _, length := range slices.Compact([]int64{step, 60}) {
		start := p.Start.Unix()
		c := cell{k, length, start - start%length}
		if s.waiting[c] == nil {
			s.waiting[c] = &Point{}
		}
		s.waiting[c].Merge(p)
		s.know(c)
	}
	return nil
}

// know notes that a series has a point. The lock is held.
func (s *Store) know(c cell) *series {
	known := s.series[c.key]
	if known == nil {
		known = &series{}
		s.series[c.key] = known
	}
	known.last = max(known.last, c.start)
	return known
}

func (s *Store) noteDirty(m *Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirty = append(s.dirty, m)
}

// Series is a series and the time of its newest point.
type Series struct {
	Key
	Last time.Time
}

// Series returns the series of an account and region, in order.
func (s *Store) Series(account, region string) []Series {
	s.mu.Lock()
	s.gather()
	var out []Series
	for k, v := range s.series {
		if k.Account == account && k.Region == region {
			out = append(out, Series{k, time.Unix(v.last, 0).UTC()})
		}
	}
	s.mu.Unlock()
	slices.SortFunc(out, func(a, b Series) int { return compareKeys(a.Key, b.Key) })
	return out
}

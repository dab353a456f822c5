package metrics

import (
	"context"
	"database/sql"
	"errors"
)

// gather moves what metrics have recorded to what waits for the disk. The lock is held.
func (s *Store) gather() {
	for _, m := range s.dirty {
		for start, p := range m.take() {
			for _, k := range m.keys {
				if s.series[k] == nil && len(s.series) >= maxSeries {
					continue
				}
				c := cell{k, 60, start}
				if s.waiting[c] == nil {
					s.waiting[c] = &Point{}
				}
				s.waiting[c].Merge(p)
				s.know(c)
			}
		}
	}
	s.dirty = nil
}

// Flush stores what has gathered, in one transaction. What could not be stored waits.
func (s *Store) Flush(ctx context.Context) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	s.gather()
	cells := s.waiting
	s.waiting = map[cell]*Point{}
	s.mu.Unlock()
	if len(cells) == 0 {
		return nil
	}
	err := s.write(ctx, cells)
	if err != nil {
		s.mu.Lock()
		for c, p := range cells {
			if waits := s.waiting[c]; waits != nil {
				waits.Merge(p)
			} else if len(s.waiting) < maxWaiting {
				s.waiting[c] = p
			}
		}
		s.mu.Unlock()
	}
	return err
}

func (s *Store) write(ctx context.Context, cells map[cell]*Point) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	w, err := newWriter(ctx, tx)
	if err != nil {
		return err
	}
	made := map[Key]int64{}
	for c, p := range cells {
		id, err := s.enter(ctx, tx, c.key, made)
		if err != nil {
			return err
		}
		if err := w.add(ctx, id, c.step, c.start, p); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, id := range made {
		if known := s.series[k]; known != nil {
			known.id = id
		}
	}
	return nil
}

// enter writes down a series, once per transaction, and returns its id.
func (s *Store) enter(ctx context.Context, tx *sql.Tx, k Key, made map[Key]int64) (int64, error) {
	if id, ok := made[k]; ok {
		return id, nil
	}
	s.mu.Lock()
	known := *s.series[k]
	s.mu.Unlock()
	var id int64
	err := tx.QueryRowContext(ctx, `INSERT INTO series (account, region, namespace, name, dimensions, unit, last) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET last = excluded.last RETURNING id`,
		k.Account, k.Region, k.Namespace, k.Name, string(k.Dimensions), k.Unit, known.last).Scan(&id)
	made[k] = id
	return id, err
}

// writer adds to the points of the file.
type writer struct{ get, put *sql.Stmt }

func newWriter(ctx context.Context, tx *sql.Tx) (*writer, error) {
	get, err := tx.PrepareContext(ctx, "SELECT data FROM point WHERE series = ? AND step = ? AND start = ?")
	if err != nil {
		return nil, err
	}
	put, err := tx.PrepareContext(ctx, "INSERT INTO point (series, step, start, data) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET data = excluded.data")
	return &writer{get, put}, err
}

// add merges a point into the one that is there.
func (w *writer) add(ctx context.Context, series, step, start int64, p *Point) error {
	var data []byte
	sum := &Point{}
	switch err := w.get.QueryRowContext(ctx, series, step, start).Scan(&data); {
	case err == nil:
		if sum, err = decodePoint(data); err != nil {
			return err
		}
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	sum.Merge(p)
	_, err := w.put.ExecContext(ctx, series, step, start, sum.encode())
	return err
}

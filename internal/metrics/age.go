package metrics

import (
	"context"
	"database/sql"
	"time"
)

// tiers are how long points of a length are kept, and what they are added to then;
// 0: nothing.
var tiers = []struct {
	step  int64
	kept  time.Duration
	after int64
}{
	{1, 3 * time.Hour, 0},
	{60, 15 * day, 300},
	{300, 63 * day, 3600},
	{3600, 455 * day, 0},
}

const day = 24 * time.Hour

// maxBytes bounds the file: beyond it minutes become 5 minutes sooner.
const maxBytes = 1 << 30

// age makes old points coarser or drops them, and forgets series without any.
func (s *Store) age(ctx context.Context) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	hurry := int64(1)
	for size := s.bytes(ctx); size > maxBytes && hurry < 16; size /= 2 {
		hurry *= 2
	}
	now := s.now()
	for k, id := range s.stored() {
		for _, t := range tiers {
			if err := s.coarsen(ctx, id, t.step, t.after, now.Add(-t.kept/time.Duration(hurry)).Unix()); err != nil {
				return err
			}
		}
		if err := s.forget(ctx, k, id, now.Add(-tiers[len(tiers)-1].kept).Unix()); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) stored() map[Key]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[Key]int64, len(s.series))
	for k, v := range s.series {
		if v.id != 0 {
			out[k] = v.id
		}
	}
	return out
}

// bytes is how much of the file is in use; 0 when that is not known.
func (s *Store) bytes(ctx context.Context) (n int64) {
	_ = s.db.QueryRowContext(ctx, "SELECT (SELECT page_count FROM pragma_page_count) - (SELECT freelist_count FROM pragma_freelist_count)").Scan(&n)
	var page int64
	_ = s.db.QueryRowContext(ctx, "PRAGMA page_size").Scan(&page)
	return n * page
}

// coarsen moves the points of a series that start before a time to longer ones.
func (s *Store) coarsen(ctx context.Context, series, step, into, before int64) error {
	if into > 0 {
		before -= before % into // whole ones only
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if into > 0 {
		sums, err := sumOld(ctx, tx, series, step, into, before)
		if err != nil || len(sums) == 0 {
			return err
		}
		w, err := newWriter(ctx, tx)
		if err != nil {
			return err
		}
		for start, p := range sums {
			if err := w.add(ctx, series, into, start, p); err != nil {
				return err
			}
		}
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM point WHERE series = ? AND step = ? AND start < ?", series, step, before); err != nil {
		return err
	}
	return tx.Commit()
}

func sumOld(ctx context.Context, tx *sql.Tx, series, step, into, before int64) (map[int64]*Point, error) {
	rows, err := tx.QueryContext(ctx, "SELECT start, data FROM point WHERE series = ? AND step = ? AND start < ?", series, step, before)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	sums := map[int64]*Point{}
	return sums, eachPoint(rows, func(start int64, p *Point) {
		if start -= start % into; sums[start] == nil {
			sums[start] = p
		} else {
			sums[start].Merge(p)
		}
	})
}

// eachPoint calls do for each row of start and data.
func eachPoint(rows *sql.Rows, do func(start int64, p *Point)) error {
	for rows.Next() {
		var start int64
		var data []byte
		if err := rows.Scan(&start, &data); err != nil {
			return err
		}
		p, err := decodePoint(data)
		if err != nil {
			return err
		}
		do(start, p)
	}
	return rows.Err()
}

// forget drops a series that had no points since a time.
func (s *Store) forget(ctx context.Context, k Key, id, since int64) error {
	s.mu.Lock()
	known := s.series[k]
	old := known != nil && known.last < since
	if old {
		delete(s.series, k)
	}
	s.mu.Unlock()
	if !old {
		return nil
	}
	if _, err := s.db.ExecContext(ctx, "DELETE FROM point WHERE series = ?", id); err != nil {
		return err
	}
	_, err := s.db.ExecContext(ctx, "DELETE FROM series WHERE id = ?", id)
	return err
}

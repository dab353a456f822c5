package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/neargate/neargate/internal/fault"
	_ "modernc.org/sqlite" // the driver named "sqlite"
)

// formatVersion is written to new files; a file with a newer one is refused.
const formatVersion = 1

// maxPending bounds the changes that wait for the disk.
const maxPending = 10_000

// journal writes changes through to SQLite. One goroutine takes whatever has
// gathered since its last commit and commits that at once: group commit.
type journal struct {
	sql *sql.DB
	// Prepared once: compiling them costs as much as running them. puts[n-1]
	// writes n records at once.
	puts [fewRecords]*sql.Stmt
	del  *sql.Stmt

	mu      sync.Mutex
	ready   *sync.Cond
	pending []batch
	err     error // the first failed write; nothing is accepted after it
	closed  bool
	stopped chan struct{}
}

type batch struct {
	rows []row
	done chan error
}

type row struct {
	table, key string
	data       []byte // nil: deleted
}

func openJournal(path string) (*journal, error) {
	dsn := "file:" + path + "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)&_pragma=wal_autocheckpoint(4000)"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("store: opening %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	if err := prepare(db); err != nil {
		db.Close()
		return nil, fmt.Errorf("store: %s: %w", path, err)
	}
	j := &journal{sql: db, stopped: make(chan struct{})}
	if err := j.compile(); err != nil {
		db.Close()
		return nil, fmt.Errorf("store: %s: %w", path, err)
	}
	j.ready = sync.NewCond(&j.mu)
	go j.run() // ends with close: the journal is the one component that outlives every context
	return j, nil
}

func prepare(db *sql.DB) error {
	var version int
	if err := db.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version > formatVersion {
		return fmt.Errorf("the data was written by a newer Neargate (format %d, this one knows %d)", version, formatVersion)
	}
	_, err := db.Exec(fmt.Sprintf(`CREATE TABLE IF NOT EXISTS record (
		kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
		PRIMARY KEY (kind, key)) WITHOUT ROWID; PRAGMA user_version = %d`, formatVersion))
	return err
}

// each calls f for every record in the file.
func (j *journal) each(f func(table, key string, data []byte) error) error {
	rows, err := j.sql.Query("SELECT kind, key, value FROM record")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var table, key string
		var data []byte
		if err := rows.Scan(&table, &key, &data); err != nil {
			return err
		}
		if err := f(table, key, data); err != nil {
			return err
		}
	}
	return rows.Err()
}

// append queues changes; the channel gets the outcome of their disk commit.
func (j *journal) append(entries []entry) (<-chan error, error) {
	rows := make([]row, len(entries))
	for i, e := range entries {
		rows[i] = row{table: e.table, key: e.key}
		if e.rec == nil {
			continue
		}
		data, err := json.Marshal(e.rec)
		if err != nil {
			return nil, fmt.Errorf("store: writing %s %s: %w", e.table, e.key, err)
		}
		rows[i].data = data
	}
	b := batch{rows: rows, done: make(chan error, 1)}
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.closed:
		return nil, ErrClosed
	case j.err != nil:
		return nil, j.err
	case len(j.pending) >= maxPending:
		return nil, fmt.Errorf("store: the disk is too slow: %d writes are waiting", len(j.pending))
	}
	j.pending = append(j.pending, b)
	j.ready.Signal()
	return b.done, nil
}

func (j *journal) run() {
	defer close(j.stopped)
	for {
		j.mu.Lock()
		for len(j.pending) == 0 && !j.closed {
			j.ready.Wait()
		}
		group := j.pending
		j.pending = nil
		j.mu.Unlock()
		if len(group) == 0 {
			return
		}
		fault.Point("store.before-commit")
		err := j.write(group)
		fault.Point("store.after-commit")
		if err != nil {
			j.mu.Lock()
			j.err = fmt.Errorf("store: writing to disk: %w", err)
			j.mu.Unlock()
		}
		for _, b := range group {
			b.done <- err
		}
	}
}

// fewRecords is how many records one statement writes at most.
const fewRecords = 4

func (j *journal) compile() (err error) {
	for n := range j.puts {
		values := "(?, ?, ?)" + strings.Repeat(", (?, ?, ?)", n)
		if j.puts[n], err = j.sql.Prepare("INSERT INTO record (kind, key, value) VALUES " + values + " ON CONFLICT DO UPDATE SET value = excluded.value"); err != nil {
			return err
		}
	}
	j.del, err = j.sql.Prepare("DELETE FROM record WHERE kind = ? AND key = ?")
	return err
}

// writeFew writes a group of few records and no deletion in one statement, which
// is a transaction by itself: a lone write needs no BEGIN and COMMIT around it.
func (j *journal) writeFew(group []batch) (done bool, err error) {
	args := make([]any, 0, 3*fewRecords)
	for _, b := range group {
		for _, r := range b.rows {
			if r.data == nil || len(args) == cap(args) {
				return false, nil
			}
			args = append(args, r.table, r.key, r.data)
		}
	}
	if len(args) == 0 {
		return true, nil
	}
	_, err = j.puts[len(args)/3-1].Exec(args...)
	return true, err
}

func (j *journal) write(group []batch) error {
	if done, err := j.writeFew(group); done || err != nil {
		return err
	}
	tx, err := j.sql.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	put, del := tx.Stmt(j.puts[0]), tx.Stmt(j.del)
	for _, b := range group {
		for _, r := range b.rows {
			if r.data == nil {
				_, err = del.Exec(r.table, r.key)
			} else {
				_, err = put.Exec(r.table, r.key, r.data)
			}
			if err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}

func (j *journal) close() error {
	j.mu.Lock()
	j.closed = true
	j.ready.Signal()
	j.mu.Unlock()
	<-j.stopped
	return j.sql.Close()
}

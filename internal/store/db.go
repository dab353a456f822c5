package store

import (
	"context"
	"errors"
	"fmt"
	"sync"

	memdb "github.com/hashicorp/go-memdb"
)

// ErrClosed is what writing to a closed database returns.
var ErrClosed = errors.New("the store is closed")

// Change names a record that a commit changed.
type Change struct {
	Table   string
	Key     string
	Deleted bool
}

// DB is a set of tables. It is safe for concurrent use.
type DB struct {
	mem    *memdb.MemDB
	tables map[string]AnyTable
	log    *journal // nil in memory-only databases

	writing   sync.Mutex // one write function at a time
	listeners []func([]Change)
}

// Tx is a view of the database: a snapshot, or the inside of a write.
type Tx struct {
	txn     *memdb.Txn
	write   bool
	entries []entry
}

// entry is one change on its way to the disk; a nil record means deleted.
type entry struct {
	table, key string
	rec        any
}

// OpenMemory makes a database that forgets everything when it is dropped. It is
// for tests.
func OpenMemory(tables ...AnyTable) (*DB, error) {
	schema := &memdb.DBSchema{Tables: map[string]*memdb.TableSchema{}}
	byName := map[string]AnyTable{}
	for _, t := range tables {
		if byName[t.Name()] != nil {
			return nil, fmt.Errorf("store: table %s is defined twice", t.Name())
		}
		byName[t.Name()] = t
		schema.Tables[t.Name()] = t.schema()
	}
	mem, err := memdb.NewMemDB(schema)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return &DB{mem: mem, tables: byName}, nil
}

// Open opens the database in the SQLite file at path, which is made if needed,
// and loads every record. Records of tables that are not given are kept in the
// file untouched.
func Open(path string, tables ...AnyTable) (*DB, error) {
	db, err := OpenMemory(tables...)
	if err != nil {
		return nil, err
	}
	log, err := openJournal(path)
	if err != nil {
		return nil, err
	}
	if err := db.load(log); err != nil {
		log.close()
		return nil, err
	}
	db.log = log
	return db, nil
}

func (db *DB) load(log *journal) error {
	txn := db.mem.Txn(true)
	defer txn.Abort()
	err := log.each(func(table, key string, data []byte) error {
		t := db.tables[table]
		if t == nil {
			return nil
		}
		rec, err := t.decode(data)
		if err != nil {
			return err
		}
		return txn.Insert(table, rec)
	})
	if err != nil {
		return fmt.Errorf("store: loading: %w", err)
	}
	txn.Commit()
	return nil
}

// Close waits for pending writes to reach the disk and closes the file.
func (db *DB) Close() error {
	if db.log == nil {
		return nil
	}
	return db.log.close()
}

// OnCommit registers a function that is called after each commit with what it
// changed. Register before the database is used; the function must not block
// and must not write.
func (db *DB) OnCommit(f func([]Change)) {
	db.writing.Lock()
	defer db.writing.Unlock()
	db.listeners = append(db.listeners, f)
}

// Fork returns a database in memory that begins with the same records. What is
// written to one of the two stays in it.
func (db *DB) Fork() *DB { return &DB{mem: db.mem.Snapshot(), tables: db.tables} }

// Read returns a snapshot. It needs no closing.
func (db *DB) Read() *Tx { return &Tx{txn: db.mem.Txn(false)} }

// Write runs f on a transaction and commits it. It returns f's error, or nil
// once the changes are on disk. When ctx ends while it waits for the disk, the
// changes stay made and ctx's error is returned.
func (db *DB) Write(ctx context.Context, f func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	done, err := db.commit(f)
	if err != nil || done == nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// commit applies f in memory and hands its changes to the journal. The channel
// gets the outcome of the disk write; it is nil when there is nothing to wait for.
func (db *DB) commit(f func(*Tx) error) (<-chan error, error) {
	db.writing.Lock()
	defer db.writing.Unlock()
	tx := &Tx{txn: db.mem.Txn(true), write: true}
	defer tx.txn.Abort() // does nothing after Commit; frees memdb's lock if f panics
	if err := f(tx); err != nil {
		return nil, err
	}
	if len(tx.entries) == 0 {
		return nil, nil
	}
	var done <-chan error
	if db.log != nil {
		var err error
		if done, err = db.log.append(tx.entries); err != nil {
			return nil, err
		}
	}
	tx.txn.Commit()
	changes := make([]Change, len(tx.entries))
	for i, e := range tx.entries {
		changes[i] = Change{Table: e.table, Key: e.key, Deleted: e.rec == nil}
	}
	for _, f := range db.listeners {
		f(changes)
	}
	return done, nil
}

func (tx *Tx) mustWrite() {
	if !tx.write {
		panic("store: write in a read transaction")
	}
}

func (tx *Tx) changed(table, key string, rec any) {
	tx.entries = append(tx.entries, entry{table, key, rec})
}

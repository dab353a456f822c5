package store

import (
	"encoding/json"
	"fmt"
	"iter"

	memdb "github.com/hashicorp/go-memdb"
)

// Table is one kind of record. Make it with [Define]; it is a description and
// holds no data, so one value serves any number of databases.
type Table[T any] struct {
	name    string
	key     func(*T) string
	indexes []Index[T]
}

// Index finds records by values that are derived from them.
type Index[T any] struct {
	name   string
	values func(*T) []string
}

// AnyTable is a Table of some type, as [Open] takes it.
type AnyTable interface {
	// Name is the name under which records are stored; it must not change.
	Name() string
	schema() *memdb.TableSchema
	decode(data []byte) (any, error)
}

// Define describes a table: its durable name, how a record's unique key is
// found, and further indexes.
func Define[T any](name string, key func(*T) string, indexes ...Index[T]) *Table[T] {
	return &Table[T]{name: name, key: key, indexes: indexes}
}

// By describes an index. A record is found under each of the values that the
// function returns for it; none means that the index does not hold it.
func By[T any](name string, values func(*T) []string) Index[T] {
	return Index[T]{name: name, values: values}
}

// Name is the durable name of the table.
func (t *Table[T]) Name() string { return t.name }

// Get returns the record with the given key.
func (t *Table[T]) Get(tx *Tx, key string) (*T, bool) {
	raw, err := tx.txn.First(t.name, "id", key)
	if err != nil {
		panic(fmt.Sprintf("store: %s: %v", t.name, err))
	}
	if raw == nil {
		return nil, false
	}
	return raw.(*T), true
}

// All yields the records whose key starts with prefix, in the order of keys.
// Inside a write transaction it sees the state at the moment of the call.
func (t *Table[T]) All(tx *Tx, prefix string) iter.Seq[*T] {
	return t.seq(tx, "id_prefix", prefix)
}

// By yields the records that the index holds under value, in the order of keys.
func (t *Table[T]) By(tx *Tx, index, value string) iter.Seq[*T] {
	return t.seq(tx, indexName(index), value)
}

// indexName keeps the names of indexes apart from memdb's own "id".
func indexName(name string) string { return "by-" + name }

func (t *Table[T]) seq(tx *Tx, index string, value string) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		it, err := tx.txn.Get(t.name, index, value)
		if err != nil {
			panic(fmt.Sprintf("store: %s by %s: %v", t.name, index, err))
		}
		// A mutating transaction invalidates iterators, so collect first.
		var all []*T
		for raw := it.Next(); raw != nil; raw = it.Next() {
			if !tx.write {
				if !yield(raw.(*T)) {
					return
				}
				continue
			}
			all = append(all, raw.(*T))
		}
		for _, rec := range all {
			if !yield(rec) {
				return
			}
		}
	}
}

// Put stores a record, in place of one with the same key.
func (t *Table[T]) Put(tx *Tx, rec *T) {
	tx.mustWrite()
	if err := tx.txn.Insert(t.name, rec); err != nil {
		panic(fmt.Sprintf("store: put %s: %v", t.name, err))
	}
	tx.changed(t.name, t.key(rec), rec)
}

// Update copies the record with the given key, lets change work on the copy and
// stores it. It reports whether there was one. The key must not be changed.
func (t *Table[T]) Update(tx *Tx, key string, change func(*T)) bool {
	old, ok := t.Get(tx, key)
	if !ok {
		return false
	}
	rec := *old
	change(&rec)
	t.Put(tx, &rec)
	return true
}

// Delete removes the record with the given key and reports whether there was one.
func (t *Table[T]) Delete(tx *Tx, key string) bool {
	tx.mustWrite()
	old, ok := t.Get(tx, key)
	if !ok {
		return false
	}
	if err := tx.txn.Delete(t.name, old); err != nil {
		panic(fmt.Sprintf("store: delete %s: %v", t.name, err))
	}
	tx.changed(t.name, key, nil)
	return true
}

func (t *Table[T]) decode(data []byte) (any, error) {
	rec := new(T)
	if err := json.Unmarshal(data, rec); err != nil {
		return nil, fmt.Errorf("reading a record of %s: %w", t.name, err)
	}
	return rec, nil
}

func (t *Table[T]) schema() *memdb.TableSchema {
	s := &memdb.TableSchema{Name: t.name, Indexes: map[string]*memdb.IndexSchema{
		"id": {Name: "id", Unique: true, Indexer: keyIndex[T]{t.key}},
	}}
	for _, ix := range t.indexes {
		name := indexName(ix.name)
		s.Indexes[name] = &memdb.IndexSchema{Name: name, AllowMissing: true, Indexer: valuesIndex[T]{ix.values}}
	}
	return s
}

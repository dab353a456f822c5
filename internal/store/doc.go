// Package store keeps records: immutable values in typed tables, in memory with
// indexes, and durably in one SQLite file. It knows nothing of AWS.
//
// # Reading and writing
//
// [DB.Read] gives a snapshot that never changes. [DB.Write] runs one function at
// a time on a transaction; when it returns nil, the changes become visible to
// new snapshots and Write returns once they are on disk. Concurrent writers
// share one disk commit (group commit), so a burst costs few syncs. A function
// that returns an error changes nothing.
//
// No I/O belongs into a write function: it holds up every other writer.
//
// # Records are immutable
//
// A record that was put must not be changed any more: snapshots share it. Copy
// the struct, and replace, never modify, its slices and maps. [Table.Update]
// makes the copy of the struct for you.
//
// # Noticing changes
//
// [DB.OnCommit] registers a function that is told the keys of each commit, in
// order. It must not block: loops put keys into a queue and look for themselves.
//
// # Durability
//
// The file is SQLite in WAL mode with synchronous=FULL: one table of (table,
// key, JSON value). A snapshot can show a change a moment before it is on disk,
// but nobody was answered then; after a crash the loops see the older state and
// find what was half done by its name.
package store

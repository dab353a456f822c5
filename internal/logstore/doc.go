// Package logstore keeps log events on disk: streams of lines with timestamps,
// appended in batches, read in order of time.
//
// A stream is a folder of segment files; a segment is a sequence of blocks, one
// for each batch, in the form that block.go describes. Append returns once the
// batch is on disk (synced), so that what was acknowledged survives a crash; a
// block that a crash cut short is cut off when the stream is opened again. In
// memory a stream costs a few dozen bytes per batch, and nothing until it is
// first used.
//
// Events are ordered by time and, at equal times, by arrival. Reading takes a
// snapshot of the stream: batches that arrive meanwhile are not seen.
//
// Data plane: it knows no AWS shapes. Stream ids are chosen by the caller, who
// also keeps their names. CloudWatch Logs (package logs) uses it.
package logstore

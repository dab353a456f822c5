// Package awslogs is the awslogs log driver: it reads the files that containers
// write their output to, makes log events of the lines, and stores them in
// batches, in the order in which they were written.
//
// A file is read on from where the last stored event ended, also after a
// restart: the place is kept in a file beside it, and so is the batch that is
// being stored, which is repeated after a restart if its outcome is not known.
// Nothing is dropped and nobody waits while the store can be reached; while it
// cannot, the file is bounded (see Buffer), by a limit that the container's
// supervisor keeps, whether we are there or not. What the store refuses for good
// is dropped and reported.
// Whoever ends a container calls Drain to know that every line is stored.
package awslogs

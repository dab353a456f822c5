// Package archtest holds the rules of ARCHITECTURE.md as tests: which package
// may import which, that every package explains itself, how long a file may be,
// and that planners read no clock. It has no code of its own.
package archtest

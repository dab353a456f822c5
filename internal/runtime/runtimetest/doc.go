// Package runtimetest holds the laws of package runtime as tests, and a fake.
//
// Test runs every law against an implementation; each implementation calls it
// from its own tests. Fake is an implementation in memory, with delays and
// failures to order, for the tests of those who use a runtime; it passes the
// same suite as far as something without processes can.
//
// The containers of the suite run the program in runtimetest/probe, whose first
// argument says what it does: exit N, sleep, stubborn ... Fake understands the
// same words, see Fake.Start.
package runtimetest

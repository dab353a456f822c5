// Package metrics keeps time series: what was measured, by minute (or second), with
// sum, minimum, maximum, number of samples and how the values were distributed.
//
// Whoever measures something asks for a Metric once and records into it; that costs
// a lock and a map entry and nothing that grows with the number of series. Every few
// seconds what has gathered is added to a SQLite file in one transaction, so that a
// crash loses seconds; reading stores first and then reads the file. Memory holds the
// names of series and what has not been stored, not points.
//
// Points become coarser as they age: seconds are kept for 3 hours, minutes for 15
// days, 5 minutes for 63 days, hours for 455 days. Their distribution is exact up to
// 160 different values, and then rounded so that no more remain (sketch.go).
package metrics

// Package alarm decides the state of CloudWatch alarms, as AWS does: M datapoints out
// of the last N periods, missing data by one of four treatments, and the texts that
// say why; and the rules of composite alarms. It is pure: it is given datapoints and
// the states of other alarms.
package alarm

// Package expression is CloudWatch's metric math: arithmetic and functions over time
// series. It is pure: it is given the series that an expression names, and the
// times of the question.
//
// Not carried out, and refused by name: SEARCH, ANOMALY_DETECTION_BAND,
// INSIGHT_RULE_METRIC, SERVICE_QUOTA, TIME_SERIES of strings, LAMBDA and Metrics
// Insights queries.
package expression

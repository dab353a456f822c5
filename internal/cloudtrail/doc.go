// Package cloudtrail is AWS CloudTrail: it looks up the events that package audit
// recorded of every call, and its trails deliver them to S3 buckets as gzipped
// JSON files under the names that AWS gives them.
//
// A trail delivers as the service principal cloudtrail.amazonaws.com on behalf of
// the trail: the bucket's policy must allow it, as on AWS. What was delivered is
// in the trail's record, and a file's name follows from the place of its first
// event, so a crash in between writes the same file again and nothing is lost or
// doubled.
//
// Not carried out, and refused by name: SNS topics, delivery to log groups,
// KMS keys, digest files, trails of organizations, advanced event selectors,
// Insights, event data stores.
package cloudtrail

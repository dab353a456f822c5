package flowlog

import (
	"context"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/bucketlog"
	"github.com/neargate/neargate/internal/state"
)

// DeliveryPrincipal is the service that puts flow logs into buckets: the bucket's
// policy names it.
const DeliveryPrincipal = "delivery.logs.amazonaws.com"

// DeliverySource is the resource for which it does that, as conditions on
// aws:SourceArn have it.
func DeliverySource(account, region string) string {
	return "arn:aws:logs:" + region + ":" + account + ":*"
}

// header is the first line of a file: the names of the fields.
func header(format string) string {
	if format == "" {
		format = DefaultFormat
	}
	names := split(format)
	for i, f := range names {
		names[i] = unbrace(f)
	}
	return strings.Join(names, " ")
}

// putFile puts the records of one interval into the flow log's bucket, as one file.
func (w *Writer) putFile(ctx context.Context, f *state.FlowLog, records []Record, now time.Time) error {
	lines := []string{header(f.Format)}
	for _, r := range records {
		lines = append(lines, r.Line(f.Format))
	}
	content, err := bucketlog.Gzip(strings.Join(lines, "\n") + "\n")
	if err != nil {
		return err
	}
	place := bucketlog.Place{Bucket: f.Bucket, Prefix: f.Prefix, Account: f.Account, Region: f.Region, Service: "vpcflowlogs", Log: f.ID}
	as := bucketlog.As(ctx, DeliveryPrincipal, f.Account, f.Region, DeliverySource(f.Account, f.Region))
	return bucketlog.Put(as, w.Buckets, f.Bucket, place.Key(now, f.ID+now.String(), ".log.gz"), bucketlog.Object{Content: content, Type: "application/x-gzip"})
}

package elbv2

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

// logDelivery is the principal that puts logs into buckets.
const logDelivery = "logdelivery.elasticloadbalancing.amazonaws.com"

// flowDelivery puts the logs of network load balancers.
const flowDelivery = "delivery.logs.amazonaws.com"

// logAccounts are the accounts that put logs into buckets whose policy is of the
// time before there was logDelivery, by region.
var logAccounts = map[string]string{
	"us-east-1": "127311923021", "us-east-2": "033677994240", "us-west-1": "027434742980", "us-west-2": "797873946194", "af-south-1": "098369216593",
	"ap-east-1": "754344448648", "ap-northeast-1": "582318560864", "ap-northeast-2": "600734575887", "ap-northeast-3": "383597477331", "ap-south-1": "718504428378",
	"ap-southeast-1": "114774131450", "ap-southeast-2": "783225319266", "ca-central-1": "985666609251", "eu-central-1": "054676820928", "eu-north-1": "897822967062",
	"eu-south-1": "635631232127", "eu-west-1": "156460612806", "eu-west-2": "652711504416", "eu-west-3": "009996457667", "me-south-1": "076674570225", "sa-east-1": "507241528517",
}

// logKind is one of the two kinds of logs of a load balancer.
type logKind struct {
	attribute string // the beginning of its attributes
	file      string // the beginning of its files' names
	test      string // the file that proves that the bucket takes them
}

var (
	accessLog     = logKind{"access_logs.s3.", "", "ELBAccessLogTestFile"}
	connectionLog = logKind{"connection_logs.s3.", "conn_log.", "ELBConnectionLogTestFile"}
	logKinds      = []logKind{accessLog, connectionLog}
)

// bucket is where a load balancer's log of the kind goes; "" when it does not.
func (k logKind) bucket(b *state.LoadBalancer) (bucket, folder string) {
	if b.Network() && k == connectionLog {
		return "", ""
	}
	a := lookup{balancerAttributesOf(b), b.Attributes}
	if !a.truth(k.attribute + "enabled") {
		return "", ""
	}
	folder = "AWSLogs/" + b.Account + "/"
	if prefix := strings.Trim(a.text(k.attribute+"prefix"), "/"); prefix != "" {
		folder = prefix + "/" + folder
	}
	return a.text(k.attribute + "bucket"), folder
}

// checkLogs proves that the buckets that a load balancer is to log to take files.
func (s *Service) checkLogs(ctx context.Context, old, planned *state.LoadBalancer) error {
	for _, k := range logKinds {
		if planned.Network() && k == connectionLog {
			continue
		}
		bucket, folder := k.bucket(planned)
		before, was := k.bucket(old)
		a := lookup{balancerAttributesOf(planned), planned.Attributes}
		if a.truth(k.attribute+"enabled") && bucket == "" {
			return configuration("The value of '%sbucket' cannot be empty when '%senabled' is true", k.attribute, k.attribute)
		}
		if bucket == "" || s.Plane == nil || bucket == before && folder == was {
			continue
		}
		err := s.putLog(ctx, planned, bucket, folder+k.test, []byte("Enable "+strings.TrimSuffix(k.test, "TestFile")+" for ELB: "+planned.Path))
		var known wire.Error
		switch {
		case errors.As(err, &known) && known.ErrorCode() == "NoSuchBucket":
			return configuration("S3Bucket: %s does not exist", bucket)
		case errors.As(err, &known) && known.HTTPStatus() == 403:
			return configuration("Access Denied for bucket: %s. Please check S3bucket permission", bucket)
		case err != nil:
			return err
		}
	}
	return nil
}

// putLog puts a file into a bucket on behalf of a load balancer.
func (s *Service) putLog(ctx context.Context, b *state.LoadBalancer, bucket, key string, content []byte) error {
	id := caller.ForService(logDelivery, b.Account, b.Region)
	id.SourceARN = b.ARN()
	if b.Network() {
		id = caller.ForService(flowDelivery, b.Account, b.Region)
		id.SourceARN = "arn:aws:logs:" + b.Region + ":" + b.Account + ":*"
	}
	put := func(id caller.Identity) error {
		size := int64(len(content))
		_, err := s.Plane.S3.PutObject(caller.With(ctx, id), &s3api.PutObjectRequest{
			Bucket: bucket, Key: key, Body: io.NopCloser(bytes.NewReader(content)), ContentLength: &size, ACL: s3api.ObjectCannedACLBucketOwnerFullControl,
		})
		return err
	}
	err := put(id)
	var known wire.Error
	if account := logAccounts[b.Region]; account != "" && !b.Network() && errors.As(err, &known) && known.HTTPStatus() == 403 {
		if put(caller.ForRoot(account, b.Region)) == nil {
			return nil
		}
	}
	return err
}

// logName is the name of a log file of a node, which ends at a time.
func (k logKind) logName(b *state.LoadBalancer, node string, end time.Time) string {
	if b.Network() {
		node = "" // the files of its nodes differ in their last part only
	} else {
		node += "_"
	}
	return "elasticloadbalancing/" + b.Region + "/" + end.Format("2006/01/02") + "/" + k.file + b.Account + "_elasticloadbalancing_" + b.Region + "_" +
		strings.ReplaceAll(b.Path, "/", ".") + "_" + end.Format("20060102T1504Z") + "_" + node + ids.Lower(8) + ".log.gz"
}

// deliver puts the lines that wait into the buckets of a load balancer. What cannot
// be delivered is tried again.
func (s *Service) deliver(ctx context.Context, b *state.LoadBalancer, r *balancer) {
	for _, k := range logKinds {
		bucket, folder := k.bucket(b)
		for _, node := range b.Subnets {
			at := logPlace{k, node.AvailabilityZone}
			lines := r.lines.take(at)
			if len(lines) == 0 || bucket == "" {
				continue
			}
			address := node.PublicIP
			if address == "" {
				address = node.PrivateIP
			}
			content, err := compressed(lines)
			if err == nil {
				err = s.putLog(ctx, b, bucket, folder+k.logName(b, address, s.Now()), content)
			}
			if err != nil {
				s.Log.Warn("a log of a load balancer was not delivered", "load balancer", b.Path, "bucket", bucket, "error", err)
				r.lines.giveBack(at, lines)
			}
		}
	}
	if err := r.settleSpool(); err != nil {
		s.Log.Error("lines of a log that were delivered may come again", "load balancer", b.Path, "error", err)
	}
}

func compressed(lines []string) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	err = errors.Join(err, w.Close())
	return b.Bytes(), err
}

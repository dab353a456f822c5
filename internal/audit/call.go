package audit

import (
	"strings"
	"time"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
)

// Call is one AWS call that was answered or refused.
type Call struct {
	Identity  caller.Identity
	Operation *wire.Operation
	In, Out   any   // generated structures, or nil; never changed afterwards
	Err       error // why it was refused; nil when it was not
	At        time.Time
	Rules     []authorize.Rule // of the operation: they name the resources
	Host      string           // the name the client connected to; "" for a call in process
	TLS       string           // version, such as TLSv1.3; "" without
	Cipher    string

	encoded string // by Encode
}

// Encode writes the record now, after which In and Out may change: for callers
// in process, who go on with what they gave and got.
func (c *Call) Encode() {
	c.encoded = c.event(c.category())
	c.In, c.Out = nil, nil
}

// global are the services whose events are those of us-east-1, wherever they
// were called.
var global = map[string]bool{"iam": true, "cloudfront": true, "route53": true}

func (c *Call) region() string {
	if global[c.Operation.Service.SigningName] {
		return "us-east-1"
	}
	return c.Identity.Region
}

// source is the service's name in events.
func (c *Call) source() string {
	return c.Operation.Service.SigningName + ".amazonaws.com"
}

// dataOperations are those that touch what is in a resource; trails deliver
// them only when asked to, and LookupEvents never tells them.
var dataOperations = map[string][]string{
	"s3": {
		"GetObject", "PutObject", "HeadObject", "DeleteObject", "DeleteObjects", "CopyObject", "ListObjects", "ListObjectsV2", "ListObjectVersions", "ListMultipartUploads", "ListParts",
		"CreateMultipartUpload", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload", "AbortMultipartUpload", "HeadBucket",
		"GetObjectAcl", "PutObjectAcl", "GetObjectAttributes", "GetObjectTagging", "PutObjectTagging", "DeleteObjectTagging",
	},
	"logs":             {"PutLogEvents", "GetLogEvents", "FilterLogEvents", "StartLiveTail"},
	"sqs":              {"SendMessage", "SendMessageBatch", "ReceiveMessage", "DeleteMessage", "DeleteMessageBatch"},
	"sns":              {"Publish", "PublishBatch"},
	"monitoring":       {"PutMetricData", "GetMetricData", "GetMetricStatistics", "ListMetrics"},
	"servicediscovery": {"DiscoverInstances", "DiscoverInstancesRevision"},
}

var isData = func() map[string]bool {
	set := map[string]bool{}
	for service, operations := range dataOperations {
		for _, operation := range operations {
			set[service+"."+operation] = true
		}
	}
	return set
}()

func (c *Call) category() Category {
	if isData[c.Operation.Service.SigningName+"."+c.Operation.Name] {
		return Data
	}
	return Management
}

// readers begin the names of operations that change nothing.
var readers = []string{"Get", "List", "Describe", "Head", "Lookup", "BatchGet", "BatchCheck", "Check", "Discover", "Filter", "Search", "Simulate", "Validate", "Verify", "Estimate", "Test", "View"}

// usesOfKeys change nothing although their names do not begin as readers' do.
var usesOfKeys = map[string]bool{
	"sts.GetSessionToken": true, "sts.GetFederationToken": true, "sts.AssumeRole": true, "sts.AssumeRoleWithWebIdentity": true, "sts.AssumeRoleWithSAML": true,
	"kms.Decrypt": true, "kms.Encrypt": true, "kms.GenerateDataKey": true, "kms.GenerateDataKeyWithoutPlaintext": true, "kms.GenerateRandom": true, "kms.ReEncrypt": true,
}

// readOnly is the event's field: CloudTrail counts the use of keys and roles
// among the reads.
func (c *Call) readOnly() bool {
	if usesOfKeys[c.Operation.Service.SigningName+"."+c.Operation.Name] {
		return true
	}
	for _, reader := range readers {
		if strings.HasPrefix(c.Operation.Name, reader) {
			return true
		}
	}
	return false
}

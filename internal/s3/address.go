package s3

import (
	"net"
	"strings"
)

// PathStyle turns the host and the escaped path of a request into S3's
// path-style path ("/bucket/key"). ok says that the host is one of S3's names,
// with or without a bucket in front, or that the path had to be changed; a
// request to another host (an IP address) has its path as it is. The slash
// after a bucket without a key is dropped, so that /bucket/ is the bucket.
func PathStyle(host, path string) (pathStyle string, ok bool) {
	bucket, ok := bucketOfHost(host)
	if bucket != "" {
		path = "/" + bucket + "/" + strings.TrimPrefix(path, "/")
	}
	if path == "" {
		path = "/"
	}
	if rest := strings.TrimPrefix(path, "/"); strings.Index(rest, "/") == len(rest)-1 && len(rest) > 1 {
		return strings.TrimSuffix(path, "/"), true
	}
	return path, ok
}

// bucketOfHost returns the bucket in front of one of S3's names: s3,
// s3-REGION, s3.REGION, s3.dualstack.REGION and s3.localhost.localstack.cloud.
func bucketOfHost(host string) (bucket string, isS3 bool) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, domain := range []string{".amazonaws.com", ".localhost.localstack.cloud", ".localhost"} {
		name, ok := strings.CutSuffix(host, domain)
		if !ok {
			continue
		}
		labels := strings.Split(name, ".")
		// A bucket's name may have dots, and "s3" among them: the name of S3 is the last that fits.
		for i := len(labels) - 1; i >= 0; i-- {
			if isService(labels[i:]) {
				return strings.Join(labels[:i], "."), true
			}
		}
		// A client whose endpoint is http://localhost puts the bucket before it.
		if domain == ".localhost" {
			return name, true
		}
		return "", false
	}
	return "", false
}

// isService says whether labels are a name of S3's below its domain.
func isService(labels []string) bool {
	switch {
	case len(labels) == 1:
		return labels[0] == "s3" || strings.HasPrefix(labels[0], "s3-") && isRegion(labels[0][3:])
	case len(labels) == 2:
		return labels[0] == "s3" && isRegion(labels[1])
	case len(labels) == 3:
		return labels[0] == "s3" && labels[1] == "dualstack" && isRegion(labels[2])
	}
	return false
}

// isRegion says whether a label has the form of a region: eu-west-1.
func isRegion(s string) bool {
	if s == "external-1" {
		return true
	}
	parts := strings.Split(s, "-")
	if len(parts) < 3 {
		return false
	}
	last := parts[len(parts)-1]
	return len(last) == 1 && last[0] >= '1' && last[0] <= '9' && len(parts[0]) == 2
}

package cloudformation

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// object names a template in S3.
type object struct{ bucket, key, version string }

var (
	pathHost    = regexp.MustCompile(`^s3([.-]dualstack)?([.-][a-z0-9-]+)?\.amazonaws\.com$`)
	virtualHost = regexp.MustCompile(`^(.+?)\.s3([.-]dualstack)?([.-][a-z0-9-]+)?\.amazonaws\.com$`)
)

// parseURL reads a TemplateURL: path-style at our own endpoint or at S3's host
// names, or virtual-hosted.
func parseURL(text string) (object, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "s3" || u.Host == "" {
		return object{}, invalid("TemplateURL must be a supported URL.")
	}
	o := object{version: u.Query().Get("versionId")}
	host, path := strings.ToLower(u.Hostname()), strings.TrimPrefix(u.Path, "/")
	virtual := virtualHost.FindStringSubmatch(host)
	switch {
	case u.Scheme == "s3":
		o.bucket, o.key = u.Host, path
	case pathHost.MatchString(host) || ownHost(host):
		o.bucket, o.key, _ = strings.Cut(path, "/")
	case virtual != nil:
		o.bucket, o.key = virtual[1], path
	case strings.HasSuffix(host, ".s3.localhost.localstack.cloud"):
		o.bucket, o.key = strings.TrimSuffix(host, ".s3.localhost.localstack.cloud"), path
	default:
		return object{}, invalid("S3 error: Domain name specified in %s is not a valid S3 domain", u.Hostname())
	}
	if o.bucket == "" || o.key == "" {
		return object{}, invalid("TemplateURL must reference a valid S3 object to which you have access.")
	}
	return o, nil
}

// ownHost reports whether a host can only be this machine's endpoint: an
// address, localhost, or a name without dots. Nothing is ever fetched from it;
// the object is read from the local S3.
func ownHost(host string) bool {
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	return !strings.Contains(host, ".") || strings.HasSuffix(host, ".localhost") || host == "localhost.localstack.cloud" || strings.HasPrefix(host, "s3.localhost.")
}

// fetch reads a template from S3 as the principal in ctx.
func (s *Service) fetch(ctx context.Context, text string) (string, error) {
	o, err := parseURL(text)
	if err != nil {
		return "", err
	}
	out, err := s3api.NewClient(s.invoker).GetObject(ctx, &s3api.GetObjectRequest{Bucket: o.bucket, Key: o.key, VersionId: o.version})
	if err != nil {
		var e wire.Error
		if errors.As(err, &e) {
			return "", invalid("S3 error: %s\nFor more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html", e.ErrorMessage())
		}
		return "", err
	}
	defer out.Body.Close()
	body, err := io.ReadAll(io.LimitReader(out.Body, template.MaxURL+1))
	if err != nil {
		return "", err
	}
	if len(body) > template.MaxURL {
		return "", invalid("Template may not exceed %d bytes in size.", template.MaxURL)
	}
	return string(body), nil
}

// source returns the text that a request gives as body or URL.
func (s *Service) source(ctx context.Context, body, address string) (string, error) {
	switch {
	case body != "" && address != "":
		return "", invalid("You cannot specify both Template URL and Template Body.")
	case address != "":
		return s.fetch(ctx, address)
	case body == "":
		return "", invalid("Either Template URL or Template Body must be specified.")
	case len(body) > template.MaxBody:
		return "", invalid("1 validation error detected: Value '%s' at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to %d", body[:min(len(body), 256)], template.MaxBody)
	}
	return body, nil
}

var ownURL = regexp.MustCompile(`http://([A-Za-z0-9.\-]+|\[[0-9a-fA-F:]+\])(:[0-9]+)?/([a-z0-9][a-z0-9.\-]{1,61}[a-z0-9])/([A-Za-z0-9._/\-]+\.template)\b`)

// forSAM rewrites the URLs of our own endpoint to S3's public spelling. SAM
// refuses to delete a stack whose template holds anything else.
func forSAM(body, region string) string {
	return ownURL.ReplaceAllStringFunc(body, func(text string) string {
		m := ownURL.FindStringSubmatch(text)
		if !ownHost(strings.Trim(m[1], "[]")) && net.ParseIP(m[1]) == nil {
			return text
		}
		return "https://s3." + region + ".amazonaws.com/" + m[3] + "/" + m[4]
	})
}

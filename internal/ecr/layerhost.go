package ecr

import (
	"encoding/xml"
	"errors"
	"net"
	"net/http"
	"regexp"
	"strings"

	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/registry"
)

var layerHostForm = regexp.MustCompile(`^prod-([a-z0-9-]+)-starport-layer-bucket\.s3\.([a-z0-9-]+)\.amazonaws\.com$`)

// LayerBucket is the bucket of AWS's that a region's layers come from: what the
// policy of an S3 gateway endpoint has to allow s3:GetObject on.
func LayerBucket(region string) string { return "prod-" + region + "-starport-layer-bucket" }

// LayerHost is the name of S3's under which a region's layers are served.
func LayerHost(region string) string { return LayerBucket(region) + ".s3." + region + ".amazonaws.com" }

func parseLayerHost(host string) (region string, ok bool) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	m := layerHostForm.FindStringSubmatch(strings.ToLower(host))
	if m == nil || m[1] != m[2] {
		return "", false
	}
	return m[1], true
}

// serveLayer answers a link to a layer in S3's form.
func (s *Service) serveLayer(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s3Error(w, r, http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
		return
	}
	d, err := s.links.Verify(r)
	if err == nil {
		err = s.passesEndpoint(r)
	}
	if err == nil {
		err = registry.ServeBlob(w, r, s.Blobs, d)
	}
	var e *registry.Error
	switch {
	case err == nil:
	case errors.As(err, &e) && e.Status == http.StatusNotFound:
		s3Error(w, r, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	case errors.As(err, &e):
		s3Error(w, r, e.Status, e.Code, e.Message)
	default:
		s.logError(r.Context(), "serving a layer", err)
		s3Error(w, r, http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again.")
	}
}

// passesEndpoint asks the policy of the VPC endpoint by which a link's request
// came, if it came by one. The link says for whose session it was made.
func (s *Service) passesEndpoint(r *http.Request) error {
	id := caller.From(r.Context())
	region, ok := parseLayerHost(r.Host)
	if !ok || id.SourceVPCE == "" {
		return nil
	}
	prefix, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	id.Account, id.SessionName, _ = strings.Cut(prefix, "-")
	id.Region = region
	err := s.Checker.Check(caller.With(r.Context(), id), "s3:GetObject", "arn:aws:s3:::"+LayerBucket(region)+r.URL.Path, nil)
	var denied wire.Error
	if errors.As(err, &denied) {
		return registry.NewError(denied.HTTPStatus(), denied.ErrorCode(), "%s", denied.ErrorMessage())
	}
	return err
}

func s3Error(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	body, _ := xml.Marshal(struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		RequestID string `xml:"RequestId"`
	}{Code: code, Message: message, RequestID: caller.From(r.Context()).RequestID})
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(append([]byte(xml.Header), body...))
	}
}

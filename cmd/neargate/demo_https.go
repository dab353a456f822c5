package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/neargate/neargate/examples"
	"github.com/neargate/neargate/internal/cli"
	"github.com/neargate/neargate/internal/pki"
)

// demoDomain is what the certificate of examples/https-service is for.
const demoDomain = "app.example.com"

// runHTTPS deploys examples/https-service and asks it for a page, by HTTP and HTTPS.
func (d *demo) runHTTPS(ctx context.Context) error {
	if err := d.deploy(ctx, examples.HTTPSService, "https-service", demoHTTPSStack); err != nil {
		return err
	}
	outputs, err := d.outputs(ctx, demoHTTPSStack)
	if err != nil {
		return err
	}
	if err := d.showStacks(ctx, demoHTTPSStack); err != nil {
		return err
	}
	tasks, err := d.steady(ctx, outputs["Cluster"], outputs["Service"])
	if err != nil {
		return err
	}
	d.showTasks(outputs["Service"], tasks)
	authority, err := pki.Open(filepath.Join(d.opts.dataDir, "pki"))
	if err != nil {
		return err
	}
	client, name := balancerClient(authority, outputs["Address"]), outputs["Address"]
	fmt.Fprintf(d.out, "\nLoad balancer %s\n", name)
	for _, url := range []string{"http://" + demoDomain + "/", "https://" + demoDomain + "/"} {
		answer, err := ask(ctx, client, url)
		if err != nil {
			return &cli.Error{What: "the load balancer does not answer " + url, Why: err.Error(), Fix: "neargate why service/" + outputs["Service"], Code: "demo.no-answer", Exit: 1}
		}
		fmt.Fprintf(d.out, "  %s\n    %s\n", url, strings.ReplaceAll(answer, "\n", "\n    "))
	}
	fmt.Fprintf(d.out, `
Ask it yourself
  curl -I http://%[1]s/
  curl --cacert %[2]s --connect-to %[3]s:443:%[1]s:443 https://%[3]s/
  neargate why service/%[4]s · neargate timeline service/%[4]s · neargate cost %[5]s
`, name, filepath.Join(d.opts.dataDir, "pki", "ca.crt"), demoDomain, outputs["Service"], demoHTTPSStack)
	return nil
}

// balancerClient trusts the instance's authority and finds every name at the load balancer.
func balancerClient(authority *pki.Authority, name string) *http.Client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.PEM())
	return &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				_, port, err := net.SplitHostPort(address)
				if err != nil {
					return nil, err
				}
				return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(name, port))
			},
		},
	}
}

// ask returns the status of an answer, where it leads, and what it says.
func ask(ctx context.Context, client *http.Client, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return "", err
	}
	if to := res.Header.Get("Location"); to != "" {
		return res.Status + ", to " + to, nil
	}
	return res.Status + "\n" + strings.TrimSpace(string(body)), nil
}

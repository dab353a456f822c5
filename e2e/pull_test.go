package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/network/networktest"
)

// internetRegistry puts a registry onto a make-believe internet. It returns its
// address, which is its name too, and the file of the certificate to trust.
// It also says where the same registry takes images, on this machine.
func internetRegistry(t *testing.T) (address, certificate, backend string) {
	t.Helper()
	namespace, address := internetNamespace(t)
	backend = freePort()
	registry := exec.Command(clientNamed("crane"), "registry", "serve", "--address", backend)
	if err := registry.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = registry.Process.Kill(); _ = registry.Wait() })
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.ParseIP(address)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	listener := tls.NewListener(networktest.Listen(t, namespace, address+":443"), &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: backend})
		r.Out.Host = r.In.Host
		r.SetXForwarded()
	}}
	server := &http.Server{Handler: proxy}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return address, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), backend
}

// TestPullsFromTheInternetByItsOwnPath runs an image of a registry that is on the
// internet: from a public subnet and from behind a NAT gateway, but not from a subnet
// without a way out, on the same machine and at the same time.
func TestPullsFromTheInternetByItsOwnPath(t *testing.T) {
	t.Parallel()
	n := another(t)
	registry, certificate, backend := internetRegistry(t)
	trust := filepath.Join(t.TempDir(), "internet.pem")
	if err := os.WriteFile(trust, []byte(certificate), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := n.start("SSL_CERT_FILE=" + trust); err != nil {
		t.Fatal(err)
	}
	a := n.newAccount(t)
	a.run("skopeo", "copy", "--quiet", "--dest-tls-verify=false", "oci-archive:"+busyboxArchive(t, a.dir, "sleep", "1000"), "docker://"+backend+"/app:1")
	definition := a.register(`{"family":"app","requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512","containerDefinitions":[{"name":"app","image":"` + registry + `/app:1"}]}`)
	a.aws("ecs", "create-cluster", "--cluster-name", "tests")
	subnets := a.threeSubnets()
	launch := func(subnet, public string) string {
		return a.aws("ecs", "run-task", "--cluster", "tests", "--launch-type", "FARGATE", "--task-definition", definition, "--query", "tasks[0].taskArn", "--output", "text",
			"--network-configuration", "awsvpcConfiguration={subnets=["+subnet+"],assignPublicIp="+public+"}")
	}
	public, private, isolated := launch(subnets[0], "ENABLED"), launch(subnets[1], "DISABLED"), launch(subnets[2], "DISABLED")
	a.waitTask("tests", public, "RUNNING")
	a.waitTask("tests", private, "RUNNING")
	if stopped := a.waitTask("tests", isolated, "STOPPED"); stopped.StopCode != "TaskFailedToStart" || !strings.Contains(stopped.StoppedReason, "CannotPullContainerError") {
		t.Errorf("isolated: %s: %s", stopped.StopCode, stopped.StoppedReason)
	}
}

// clientNamed is the path of a client: the pinned one, or the machine's own.
func clientNamed(name string) string {
	for dir := range strings.SplitSeq(clientPath(), ":") {
		if path := filepath.Join(dir, name); exec.Command("test", "-x", path).Run() == nil {
			return path
		}
	}
	return name
}

// threeSubnets makes a VPC and returns its subnets: one with an internet gateway,
// one behind a NAT gateway in the first, one with nothing.
func (a *account) threeSubnets() []string {
	a.t.Helper()
	id := func(query string, args ...string) string {
		return a.aws(append(append([]string{"ec2"}, args...), "--query", query, "--output", "text")...)
	}
	vpc := id("Vpc.VpcId", "create-vpc", "--cidr-block", "10.70.0.0/16")
	gateway := id("InternetGateway.InternetGatewayId", "create-internet-gateway")
	a.aws("ec2", "attach-internet-gateway", "--vpc-id", vpc, "--internet-gateway-id", gateway)
	var subnets, tables []string
	for _, cidr := range []string{"10.70.0.0/24", "10.70.1.0/24", "10.70.2.0/24"} {
		subnets = append(subnets, id("Subnet.SubnetId", "create-subnet", "--vpc-id", vpc, "--cidr-block", cidr))
		tables = append(tables, id("RouteTable.RouteTableId", "create-route-table", "--vpc-id", vpc))
		a.aws("ec2", "associate-route-table", "--subnet-id", subnets[len(subnets)-1], "--route-table-id", tables[len(tables)-1])
	}
	nat := id("NatGateway.NatGatewayId", "create-nat-gateway", "--subnet-id", subnets[0], "--allocation-id", id("AllocationId", "allocate-address", "--domain", "vpc"))
	a.aws("ec2", "create-route", "--route-table-id", tables[0], "--destination-cidr-block", "0.0.0.0/0", "--gateway-id", gateway)
	a.aws("ec2", "create-route", "--route-table-id", tables[1], "--destination-cidr-block", "0.0.0.0/0", "--nat-gateway-id", nat)
	return subnets
}

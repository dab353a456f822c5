package pki

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestPlanTrust(t *testing.T) {
	anchor := Anchor{ID: "0badcafe", PEM: []byte("pem\n"), Name: "Neargate local CA 1"}
	registry := "000000000000.dkr.ecr.eu-west-1.amazonaws.com"
	dir := &fstest.MapFile{Mode: fs.ModeDir | 0o755}
	for name, c := range map[string]struct {
		host fstest.MapFS
		want string
	}{
		"nothing there": {fstest.MapFS{}, ``},
		"debian with docker": {
			fstest.MapFS{"usr/sbin/update-ca-certificates": {}, "usr/local/share": dir, "etc/docker": dir},
			`mkdir /usr/local/share/ca-certificates  # programs that use the system's certificates
write /usr/local/share/ca-certificates/neargate-0badcafe.crt  # programs that use the system's certificates
run update-ca-certificates  # rebuilds the system's bundle
mkdir /etc/docker/certs.d  # docker
mkdir /etc/docker/certs.d/` + registry + `  # docker
write /etc/docker/certs.d/` + registry + `/neargate-0badcafe.crt  # docker
`},
		"done already": {
			fstest.MapFS{"usr/sbin/update-ca-certificates": {}, "usr/local/share/ca-certificates/neargate-0badcafe.crt": {Data: []byte("pem\n")},
				"etc/containers/certs.d/" + registry + "/neargate-0badcafe.crt": {Data: []byte("pem\n")}}, ``},
		"red hat with a browser": {
			fstest.MapFS{"usr/bin/update-ca-trust": {}, "etc/pki/ca-trust/source/anchors": dir, "usr/bin/certutil": {}, "home/u/.mozilla/firefox/p1/cert9.db": {}},
			`write /etc/pki/ca-trust/source/anchors/neargate-0badcafe.crt  # programs that use the system's certificates
run update-ca-trust extract  # rebuilds the system's bundle
write /home/u/.mozilla/firefox/p1/neargate-0badcafe.crt  # browser
run certutil -A -d sql:/home/u/.mozilla/firefox/p1 -t C,, -n Neargate local CA 1 -i /home/u/.mozilla/firefox/p1/neargate-0badcafe.crt  # browser
`},
	} {
		got := Describe(PlanTrust(c.host, anchor, []string{registry, registry, "../evil", "a/b"}, []string{"/home/u"}))
		if got != c.want {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, c.want)
		}
	}
}

// Apply and Undo on a host of the test's own; a shell line stands for the distribution's tool.
func TestApplyAndUndo(t *testing.T) {
	ctx := context.Background()
	root := t.TempDir()
	journal := filepath.Join(root, "trust.json")
	authority := open(t, filepath.Join(root, "data"))
	for _, dir := range []string{"usr/sbin", "usr/local/share", "etc/docker", "etc/containers/certs.d/other"} {
		os.MkdirAll(filepath.Join(root, dir), 0o755)
	}
	os.WriteFile(filepath.Join(root, "usr/sbin/update-ca-certificates"), nil, 0o755)
	before := listing(t, root)

	registries := []string{"1.dkr.ecr.eu-west-1.amazonaws.com"}
	plan := func() []Change {
		changes := PlanTrust(os.DirFS(root), authority.Anchor(), registries, nil)
		for i := range changes {
			if changes[i].Op == Run { // stands for the system's tool: counts the anchors
				script := "ls " + root + "/usr/local/share/ca-certificates > " + root + "/etc/bundle"
				changes[i].Command = []string{"sh", "-c", script}
				changes[i].UndoCommand = []string{"sh", "-c", script + "; rm " + root + "/etc/bundle"}
			}
		}
		return changes
	}
	if err := Apply(ctx, root, journal, plan()); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(filepath.Join(root, "etc/docker/certs.d", registries[0], "neargate-"+authority.ID()+".crt")); string(got) != string(authority.PEM()) {
		t.Fatalf("docker's file: %q", got)
	}
	if got, _ := os.ReadFile(filepath.Join(root, "etc/bundle")); !strings.Contains(string(got), authority.ID()) {
		t.Fatalf("the tool ran before the anchor was there: %q", got)
	}
	if again := plan(); len(again) != 0 {
		t.Fatalf("second plan: %s", Describe(again))
	}
	registries = append(registries, "2.dkr.ecr.eu-west-1.amazonaws.com")
	if err := Apply(ctx, root, journal, plan()); err != nil { // adds to the journal
		t.Fatal(err)
	}
	os.Remove(filepath.Join(root, "etc/containers/certs.d", registries[0], "neargate-"+authority.ID()+".crt")) // someone was quicker
	if err := Undo(ctx, root, journal); err != nil {
		t.Fatal(err)
	}
	if after := listing(t, root); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	if err := Undo(ctx, root, journal); err != nil {
		t.Errorf("second undo: %v", err)
	}
}

func listing(t *testing.T, root string) string {
	var b strings.Builder
	if err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		b.WriteString(path + "\n")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

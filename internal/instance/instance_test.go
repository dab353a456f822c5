package instance

import (
	"errors"
	"sync"
	"testing"
)

func TestOneAtATime(t *testing.T) {
	path := t.TempDir()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Announce(Info{Endpoint: "http://127.0.0.1:1"}); err != nil {
		t.Fatal(err)
	}
	if info, running, err := Find(path); err != nil || !running || info.ID != d.ID {
		t.Errorf("found %+v, running %v, %v", info, running, err)
	}
	if _, err := Open(path); !errors.Is(err, ErrLocked) {
		t.Errorf("a second one got %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, running, err := Find(path); err != nil || running {
		t.Errorf("after its end: running %v, %v", running, err)
	}
}

// Commands look for the instance while it starts.
func TestFindDoesNotKeepAnInstanceFromStarting(t *testing.T) {
	path := t.TempDir()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.Announce(Info{}), d.Close()); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					Find(path)
				}
			}
		})
	}
	for range 300 {
		d, err := Open(path)
		if err != nil {
			t.Error(err)
			break
		}
		d.Close()
	}
	close(stop)
	group.Wait()
}

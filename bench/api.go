package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/client"
)

// call is one kind of API request.
type call struct {
	name, service, target, body string
}

var reads = []call{
	{"GetCallerIdentity", "sts", "", "Action=GetCallerIdentity&Version=2011-06-15"},
	{"DescribeVpcs", "ec2", "", "Action=DescribeVpcs&Version=2016-11-15"},
	{"DescribeClusters", "ecs", "AmazonEC2ContainerServiceV20141113.DescribeClusters", `{"clusters":["bench"]}`},
	{"GetRole", "iam", "", "Action=GetRole&Version=2010-05-08&RoleName=bench"},
}

var writes = []call{
	{"RegisterTaskDefinition", "ecs", "AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition",
		`{"family":"bench","requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512","containerDefinitions":[{"name":"c","image":"busybox"}]}`},
}

// measured is what one load gave.
type measured struct {
	requests int
	took     time.Duration
	cpu      time.Duration // of the server, per request
	p50, p99 time.Duration
}

func (m measured) perSecond() float64 { return float64(m.requests) / m.took.Seconds() }

// benchAPI compares signed requests to Neargate with the same to a server that
// verifies the signature and answers 1 KB.
func benchAPI(ctx context.Context) error {
	floor, err := startFloor(ctx)
	if err != nil {
		return err
	}
	defer floor.stop()
	s, err := startNeargate(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	key := client.Operator
	for _, c := range []call{
		{"", "ecs", "AmazonEC2ContainerServiceV20141113.CreateCluster", `{"clusterName":"bench"}`},
		{"", "iam", "", "Action=CreateRole&Version=2010-05-08&RoleName=bench&AssumeRolePolicyDocument=%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22Service%22%3A%22ecs-tasks.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D"},
	} {
		if err := once(s.endpoint, key, c); err != nil {
			return err
		}
	}
	fmt.Printf("\n%-24s %5s %10s %9s %9s %9s %9s\n", "API", "conns", "req/s", "p50", "p99", "CPU/req", "x floor")
	for _, conns := range []int{1, 32} {
		base := load(floor, key, reads[0], conns)
		row("floor (verify, 1 KB)", conns, base, base)
		for _, c := range append(reads, writes...) {
			row(c.name, conns, load(s, key, c, conns), base)
		}
	}
	return nil
}

func row(name string, conns int, m, base measured) {
	fmt.Printf("%-24s %5d %10.0f %9s %9s %9s %9.2f\n", name, conns, m.perSecond(), m.p50.Round(time.Microsecond), m.p99.Round(time.Microsecond), m.cpu.Round(100*time.Nanosecond), float64(m.cpu)/float64(base.cpu))
}

// loadTime is how long each load lasts.
const loadTime = 2 * time.Second

func load(s *server, key sigv4.Credentials, c call, conns int) measured {
	transport := &http.Transport{MaxIdleConnsPerHost: conns}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	var mu sync.Mutex
	var all []time.Duration
	cpu, started := s.cpu(), time.Now()
	var group sync.WaitGroup
	for range conns {
		group.Go(func() {
			var mine []time.Duration
			for time.Since(started) < loadTime {
				at := time.Now()
				res, err := client.Do(signed(s.endpoint, key, c))
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if res.StatusCode != http.StatusOK {
					fmt.Fprintln(os.Stderr, c.name, res.Status)
					return
				}
				mine = append(mine, time.Since(at))
			}
			mu.Lock()
			all = append(all, mine...)
			mu.Unlock()
		})
	}
	group.Wait()
	m := measured{requests: len(all), took: time.Since(started)}
	if len(all) == 0 {
		return m
	}
	m.cpu = (s.cpu() - cpu) / time.Duration(len(all))
	slices.Sort(all)
	m.p50, m.p99 = all[len(all)/2], all[len(all)*99/100]
	return m
}

func signed(endpoint string, key sigv4.Credentials, c call) *http.Request {
	req, err := http.NewRequest(http.MethodPost, endpoint+"/", bytes.NewReader([]byte(c.body)))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	if c.target != "" {
		req.Header.Set("Content-Type", "application/x-amz-json-1.1")
		req.Header.Set("X-Amz-Target", c.target)
	}
	sigv4.Sign(req, key, "us-east-1", c.service, []byte(c.body), time.Now())
	return req
}

func once(endpoint string, key sigv4.Credentials, c call) error {
	res, err := http.DefaultClient.Do(signed(endpoint, key, c))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(res.Body)
		return fmt.Errorf("%s: %s", res.Status, b)
	}
	return nil
}

// serveFloor is the server that the API is compared with.
func serveFloor(context.Context) error {
	verifier := &sigv4.Verifier{}
	answer := bytes.Repeat([]byte("x"), 1024)
	return http.ListenAndServe(os.Getenv("BENCH_ADDRESS"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			return
		}
		body, _ := io.ReadAll(r.Body)
		sig, err := sigv4.Parse(r)
		if err == nil {
			err = verifier.VerifyBody(r, sig, "test", body)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(answer)
	}))
}

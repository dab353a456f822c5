package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/neargate/neargate/internal/aws/sigv4"
)

// calls makes the calls that calls.py and calls.js make, too, with the task
// role's credentials, and prints the code of each answer.
func calls() {
	c, err := taskRole()
	if err != nil {
		fmt.Println("go credentials", err)
		return
	}
	name := os.Getenv("NAME")
	bucket := "https://" + name + ".s3." + c.region + ".amazonaws.com/"
	c.s3("s3 get", http.MethodGet, bucket+"open", nil)
	c.s3("s3 get other", http.MethodGet, bucket+"closed", nil)
	c.s3("s3 put", http.MethodPut, bucket+"open", []byte("changed"))
	ecr := "AmazonEC2ContainerRegistry_V20150921."
	c.json("ecr describe", "ecr", "api.ecr", ecr+"DescribeRepositories", map[string]any{"repositoryNames": []string{name}})
	c.json("ecr list", "ecr", "api.ecr", ecr+"ListImages", map[string]any{"repositoryName": name})
	c.json("logs describe", "logs", "logs", "Logs_20140328.DescribeLogStreams", map[string]any{"logGroupName": name})
	c.json("logs create", "logs", "logs", "Logs_20140328.CreateLogStream", map[string]any{"logGroupName": name, "logStreamName": "x"})
	c.json("secret get", "secretsmanager", "secretsmanager", "secretsmanager.GetSecretValue", map[string]any{"SecretId": name + "-open"})
	c.json("secret get other", "secretsmanager", "secretsmanager", "secretsmanager.GetSecretValue", map[string]any{"SecretId": name + "-closed"})
}

// put puts an object into a bucket with the task role, then sleeps until it is
// told to end. It ends with 1 when the object was refused.
func put(bucket string) {
	c, err := taskRole()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	req, err := http.NewRequest(http.MethodPut, "https://"+bucket+".s3."+c.region+".amazonaws.com/object", strings.NewReader("text"))
	if err != nil {
		panic(err)
	}
	status, answer, err := c.send(req, "s3", []byte("text"))
	if fmt.Printf("%d %s %v\n", status, answer, err); err != nil || status != http.StatusOK {
		os.Exit(1)
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	<-end
}

// taskRole makes requests with the task role's credentials.
func taskRole() (caller, error) {
	var role struct{ AccessKeyId, SecretAccessKey, Token string }
	err := get("http://169.254.170.2"+os.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"), &role)
	return caller{os.Getenv("AWS_REGION"), sigv4.Credentials{AccessKeyID: role.AccessKeyId, SecretAccessKey: role.SecretAccessKey, SessionToken: role.Token}}, err
}

// caller signs requests with the test's own implementation.
type caller struct {
	region string
	key    sigv4.Credentials
}

func (c caller) s3(what, method, url string, body []byte) {
	req, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	status, text, err := c.send(req, "s3", body)
	var refusal struct{ Code string }
	if status >= 300 {
		err = xml.Unmarshal(text, &refusal)
	}
	report(what, status, refusal.Code, err)
}

func (c caller) json(what, service, host, target string, in any) {
	body, err := json.Marshal(in)
	if err != nil {
		panic(err)
	}
	req, err := http.NewRequest(http.MethodPost, "https://"+host+"."+c.region+".amazonaws.com/", bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("X-Amz-Target", target)
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	status, text, err := c.send(req, service, body)
	var refusal struct {
		Code string `json:"__type"`
	}
	if status >= 300 {
		err = json.Unmarshal(text, &refusal)
	}
	report(what, status, refusal.Code, err)
}

func (c caller) send(req *http.Request, service string, body []byte) (int, []byte, error) {
	sigv4.Sign(req, c.key, c.region, service, body, time.Now())
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, text, err
}

func report(what string, status int, code string, err error) {
	switch {
	case err != nil:
		fmt.Printf("go %s: %v\n", what, err)
	case status < 300:
		fmt.Printf("go %s: ok\n", what)
	default:
		fmt.Printf("go %s: %s\n", what, code)
	}
}

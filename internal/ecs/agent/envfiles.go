package agent

import (
	"bufio"
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/state"
)

const maxEnvironmentFile = 1 << 20 // bytes

// environmentFiles fetches the environment files of all containers with the
// execution role and returns what they say as NAME=value by container. Of a name
// in several files the first file's value counts.
func (a *Agent) environmentFiles(ctx context.Context, t *state.Task, d *state.TaskDefinition, c *client, creds Credentials) (map[string][]string, error) {
	out, fetched := map[string][]string{}, map[string][]string{}
	for _, con := range d.Containers {
		have := map[string]bool{}
		for _, file := range con.EnvironmentFiles {
			lines, ok := fetched[file]
			if !ok {
				content, err := a.environmentFile(ctx, t, c, creds, file)
				if err != nil {
					return nil, err
				}
				lines = readEnvironment(content)
				fetched[file] = lines
			}
			for _, line := range lines {
				name, _, _ := strings.Cut(line, "=")
				if !have[name] {
					out[con.Name] = append(out[con.Name], line)
				}
			}
			for _, line := range lines {
				name, _, _ := strings.Cut(line, "=")
				have[name] = true
			}
		}
	}
	return out, nil
}

// readEnvironment reads lines of NAME=value as AWS's agent does: lines that begin
// with # or have no "=", or nothing on one side of it, are skipped; quotes are
// part of the value; of a name that comes twice the later line counts.
func readEnvironment(content []byte) []string {
	var out []string
	at := map[string]int{}
	scanner := bufio.NewScanner(bytes.NewReader(content))
	scanner.Buffer(nil, maxEnvironmentFile+1)
	for scanner.Scan() {
		line := scanner.Text()
		name, value, ok := strings.Cut(line, "=")
		if strings.HasPrefix(line, "#") || !ok || name == "" || value == "" || strings.ContainsRune(line, 0) {
			continue
		}
		if i, twice := at[name]; twice {
			out[i] = line
			continue
		}
		at[name] = len(out)
		out = append(out, line)
	}
	return out
}

// environmentFile reads one file: where its bucket is, whether it is there, and
// its content, each with the permission that AWS asks for.
func (a *Agent) environmentFile(ctx context.Context, t *state.Task, c *client, creds Credentials, file string) ([]byte, error) {
	parsed, err := arn.Parse(file)
	if err != nil {
		return nil, err // checked when the task definition was registered
	}
	bucket, key, _ := strings.Cut(parsed.Resource, "/")
	location, err := a.bucketRequest(ctx, t, c, creds, file, "GetBucketLocation", http.MethodGet, t.Region, bucket, "/?location")
	if err != nil {
		return nil, err
	}
	region := "us-east-1"
	var where struct {
		Region string `xml:",chardata"`
	}
	if xml.Unmarshal(location, &where) == nil && where.Region != "" {
		region = where.Region
	}
	path := (&url.URL{Path: "/" + key}).EscapedPath()
	if _, err := a.bucketRequest(ctx, t, c, creds, file, "HeadObject", http.MethodHead, region, bucket, path); err != nil {
		return nil, err
	}
	return a.bucketRequest(ctx, t, c, creds, file, "GetObject", http.MethodGet, region, bucket, path)
}

// bucketRequest makes a request to S3 as the task would and returns the body.
func (a *Agent) bucketRequest(ctx context.Context, t *state.Task, c *client, creds Credentials, file, operation, method, region, bucket, path string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, "https://"+bucket+".s3."+region+".amazonaws.com"+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", userAgent)
	sigv4.Sign(r, sigv4.Credentials{AccessKeyID: creds.AccessKeyID, SecretAccessKey: creds.SecretAccessKey, SessionToken: creds.SessionToken}, region, "s3", nil, time.Now())
	answer, err := c.do(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, a.unreached(ctx, t, decision.Secrets, textEnvironmentFileUnreachable(), err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxEnvironmentFile))
	if err != nil {
		return nil, err
	}
	if answer.StatusCode/100 == 2 {
		return body, nil
	}
	e := bucketError(operation, answer, body)
	f := denied(decision.Secrets, "sec.env-file", file, textEnvironmentFile(operation, e), e)
	switch answer.StatusCode {
	case http.StatusForbidden:
		f.decision.Code, f.decision.Cause = "iam.exec-env-file", "the execution role may not read the environment file "+file+" (it needs s3:GetObject on it and s3:GetBucketLocation on its bucket)"
	case http.StatusNotFound:
		f.decision.Cause = "there is no environment file " + file
		f.decision.Fix = []decision.Fix{{Lang: "cli", Text: "aws s3 cp FILE s3://" + strings.TrimPrefix(file, "arn:aws:s3:::")}}
	}
	return nil, f
}

// bucketError reads an error of S3; answers to HEAD have no body, and the SDK
// takes the status for the code then.
func bucketError(operation string, answer *http.Response, body []byte) *apiError {
	e := &apiError{Operation: operation, Status: answer.StatusCode, RequestID: answer.Header.Get("X-Amz-Request-Id")}
	var said struct{ Code, Message string }
	if xml.Unmarshal(body, &said) == nil && said.Code != "" {
		e.Code, e.Message = said.Code, said.Message
		return e
	}
	e.Message = http.StatusText(answer.StatusCode)
	e.Code = strings.ReplaceAll(e.Message, " ", "")
	return e
}

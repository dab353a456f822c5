package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/neargate/neargate/internal/aws/stsapi"
	"github.com/neargate/neargate/internal/cli"
)

// nestedProperty is where a resource type names another template.
var nestedProperty = map[string]string{
	"AWS::Serverless::Application": "Location",
	"AWS::CloudFormation::Stack":   "TemplateURL",
}

// maxNesting bounds how deep local templates may name others.
const maxNesting = 10

// upload puts a template, and the local templates that it names, into a bucket
// of the instance and returns its URL. The text stays as it is but for the
// names of local files.
func (d *deploy) upload(ctx context.Context, path string) (string, error) {
	who, err := stsapi.NewClient(d.remote).GetCallerIdentity(ctx, &stsapi.GetCallerIdentityRequest{})
	if err != nil {
		return "", err
	}
	bucket := fmt.Sprintf("neargate-deploy-%s-%s", who.Account, d.remote.Region)
	if err := d.put(ctx, "/"+bucket, bucketConfiguration(d.remote.Region), http.StatusConflict); err != nil {
		return "", err
	}
	return d.uploadNested(ctx, bucket, path, 0)
}

func bucketConfiguration(region string) []byte {
	if region == "us-east-1" {
		return nil
	}
	return []byte(`<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>` + region + `</LocationConstraint></CreateBucketConfiguration>`)
}

func (d *deploy) uploadNested(ctx context.Context, bucket, path string, depth int) (string, error) {
	if depth > maxNesting {
		return "", &cli.Error{What: "templates name each other too deep: " + path}
	}
	text, err := readTemplate(path)
	if err != nil {
		return "", err
	}
	text, err = replaceLocal(text, func(local string) (string, error) {
		return d.uploadNested(ctx, bucket, filepath.Join(filepath.Dir(path), local), depth+1)
	})
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	sum := sha256.Sum256(text)
	key := "/" + bucket + "/" + hex.EncodeToString(sum[:16]) + ".template"
	if err := d.put(ctx, key, text, 0); err != nil {
		return "", err
	}
	return d.remote.Endpoint + key, nil
}

// put writes to S3; an answer with the status tolerated is good as well.
func (d *deploy) put(ctx context.Context, path string, body []byte, tolerated int) error {
	res, err := d.remote.Send(ctx, http.MethodPut, path, "s3", body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if res.StatusCode >= 300 && res.StatusCode != tolerated {
		return fmt.Errorf("writing %s to S3: %s: %s", path, res.Status, answer)
	}
	return nil
}

// replaceLocal replaces the names of local templates in a template's text by
// what replace returns, and leaves every other byte alone.
func replaceLocal(text []byte, replace func(local string) (string, error)) ([]byte, error) {
	file, err := parser.ParseBytes(text, 0)
	if err != nil || len(file.Docs) == 0 {
		return text, nil // CloudFormation will say what is wrong with it
	}
	lines := strings.SplitAfter(string(text), "\n")
	for _, resource := range entries(child(file.Docs[0].Body, "Resources")) {
		property := nestedProperty[scalar(child(resource.Value, "Type"))]
		node := child(child(resource.Value, "Properties"), property)
		local := scalar(node)
		if property == "" || local == "" || strings.Contains(local, "://") {
			continue
		}
		url, err := replace(local)
		if err != nil {
			return nil, err
		}
		at := node.GetToken().Position
		line := lines[at.Line-1]
		start := min(max(at.Column-1, 0), len(line))
		lines[at.Line-1] = line[:start] + strings.Replace(line[start:], local, url, 1)
	}
	return []byte(strings.Join(lines, "")), nil
}

func entries(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

func child(n ast.Node, key string) ast.Node {
	for _, e := range entries(n) {
		if e.Key.GetToken().Value == key {
			return e.Value
		}
	}
	return nil
}

func scalar(n ast.Node) string {
	if s, ok := n.(*ast.StringNode); ok {
		return s.Value
	}
	return ""
}

package metadata

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"
)

// What a Source says when it has no answer.
var (
	// ErrNotFound: there is no such task, or no such credentials for that task.
	ErrNotFound = errors.New("metadata: not found")
	// ErrNotReady: the credentials exist but were not handed out yet.
	ErrNotReady = errors.New("metadata: not ready")
)

// Caller is who asks: the interface with an address in a VPC.
type Caller struct {
	VPC string // id
	IP  netip.Addr
}

// Source knows the tasks. Its methods are called at the same time.
type Source interface {
	// Task describes the caller's task. Errors: ErrNotFound.
	Task(ctx context.Context, c Caller) (Task, error)
	// Credentials returns the credentials of the given id, when they are those
	// of the caller's task role. Errors: ErrNotFound, ErrNotReady.
	Credentials(ctx context.Context, c Caller, id string) (Credentials, error)
	// Stats returns the use of resources of the containers of the caller's task by
	// DockerID; nil for one that does not run yet. Errors: ErrNotFound.
	Stats(ctx context.Context, c Caller) (map[string]*Stats, error)
}

// Credentials are temporary credentials of a task role.
type Credentials struct {
	RoleARN         string `json:"RoleArn"`
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	Token           string
	Expiration      time.Time // UTC, whole seconds are shown
}

// Identify tells who made a request; false when nobody in a VPC did.
type Identify func(*http.Request) (Caller, bool)

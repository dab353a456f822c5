package metadata

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// Handler serves 169.254.170.2:80.
type Handler struct {
	source   Source
	identify Identify
	limit    *limiter
	log      *slog.Logger
	mux      *http.ServeMux
}

// NewHandler returns a handler that answers from source.
func NewHandler(source Source, identify Identify, log *slog.Logger) *Handler {
	h := &Handler{source: source, identify: identify, limit: newLimiter(time.Now), log: log, mux: http.NewServeMux()}
	h.mux.HandleFunc("GET /v2/credentials", h.credentials)
	h.mux.HandleFunc("GET /v2/credentials/{id...}", h.credentials)
	h.mux.HandleFunc("GET /v1/credentials", h.credentials)
	for _, v := range []version{v3, v4} {
		at := "GET /" + string(v) + "/{id}"
		h.mux.HandleFunc(at, h.container(v))
		h.mux.HandleFunc(at+"/task", h.task(v, false))
		h.mux.HandleFunc(at+"/taskWithTags", h.task(v, true))
		h.mux.HandleFunc(at+"/stats", h.stats(v))
		h.mux.HandleFunc(at+"/task/stats", h.taskStats(v))
	}
	h.mux.HandleFunc("GET /v2/metadata", h.task(v2, false))
	h.mux.HandleFunc("GET /v2/metadataWithTags", h.task(v2, true))
	h.mux.HandleFunc("GET /v2/metadata/{id}", h.container(v2))
	h.mux.HandleFunc("GET /v2/stats", h.taskStats(v2))
	h.mux.HandleFunc("GET /v2/stats/{id}", h.stats(v2))
	h.mux.HandleFunc("/api/{id}/", h.unsupported)
	return h
}

type version string

const (
	v2 version = "v2"
	v3 version = "v3"
	v4 version = "v4"
)

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, ok := h.identify(r)
	if !ok {
		http.Error(w, "who calls is not known", http.StatusForbidden)
		return
	}
	if !h.limit.allow(c) {
		http.Error(w, "You have reached maximum request limit.", http.StatusTooManyRequests)
		return
	}
	http.MaxBytesHandler(h.mux, 64<<10).ServeHTTP(w, r)
}

// caller is known: ServeHTTP has asked.
func (h *Handler) caller(r *http.Request) Caller {
	c, _ := h.identify(r)
	return c
}

func (h *Handler) task(v version, tags bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t, err := h.find(r)
		if err != nil {
			h.fail(w, v, "task metadata", "task arn", r, err)
			return
		}
		if !tags {
			t.TaskTags, t.Errors = nil, nil
		}
		if v != v4 {
			t = t.older()
		}
		reply(w, http.StatusOK, t)
	}
}

func (h *Handler) container(v version) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t, err := h.find(r)
		if err != nil {
			h.fail(w, v, "container metadata", "container ID", r, err)
			return
		}
		c, _ := t.container(r.PathValue("id"))
		if v != v4 {
			c = c.older()
		}
		reply(w, http.StatusOK, c)
	}
}

func (h *Handler) stats(v version) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		all, err := h.findStats(r)
		if err != nil {
			h.fail(w, v, "container stats", "container ID", r, err)
			return
		}
		reply(w, http.StatusOK, all[r.PathValue("id")])
	}
}

func (h *Handler) taskStats(v version) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		all, err := h.findStats(r)
		if err != nil {
			h.fail(w, v, "task stats", "task arn", r, err)
			return
		}
		reply(w, http.StatusOK, all)
	}
}

func (h *Handler) findStats(r *http.Request) (map[string]*Stats, error) {
	if _, err := h.find(r); err != nil {
		return nil, err
	}
	return h.source.Stats(r.Context(), h.caller(r))
}

// find returns the caller's task. A container id in the path must be one of
// its containers.
func (h *Handler) find(r *http.Request) (Task, error) {
	t, err := h.source.Task(r.Context(), h.caller(r))
	if err != nil {
		return t, err
	}
	if id := r.PathValue("id"); id != "" {
		if _, ok := t.container(id); !ok {
			return t, ErrNotFound
		}
	}
	return t, nil
}

func (t Task) container(id string) (Container, bool) {
	for _, c := range t.Containers {
		if c.DockerID == id {
			return c, true
		}
	}
	return Container{}, false
}

// fail answers with an error in the endpoint's words: a JSON string.
func (h *Handler) fail(w http.ResponseWriter, v version, what, missing string, r *http.Request, err error) {
	if !errors.Is(err, ErrNotFound) {
		h.log.Error("task metadata", "path", r.URL.Path, "error", err)
		reply(w, http.StatusInternalServerError, fmt.Sprintf("V%c %s handler: internal error", v[1], what))
		return
	}
	if v == v2 {
		reply(w, http.StatusNotFound, fmt.Sprintf("Unable to get %s for the request: no task found for IP %s", missing, h.caller(r).IP))
		return
	}
	reply(w, http.StatusNotFound, fmt.Sprintf("V%c %s handler: unable to get %s from request: unable to get %s from v3 endpoint ID: %s", v[1], what, missing, missing, r.PathValue("id")))
}

// unsupported refuses the agent's APIs by name.
func (h *Handler) unsupported(w http.ResponseWriter, r *http.Request) {
	reply(w, http.StatusNotFound, map[string]any{"error": map[string]string{
		"Code": "UnsupportedOperation", "Message": "Neargate does not carry out " + r.URL.Path,
	}})
}

func reply(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

package wire

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// HTTP/2 allows no write at all after 204: the client gets its answer.
func TestAnswersWithoutABodyByHTTP2(t *testing.T) {
	var sent error
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { sent = send(w, http.StatusNoContent, nil) }))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	res, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if res.ProtoMajor != 2 || res.StatusCode != http.StatusNoContent || len(body) != 0 || err != nil || sent != nil {
		t.Errorf("%s %s with %q, %v; the server: %v", res.Proto, res.Status, body, err, sent)
	}
}

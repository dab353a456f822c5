package awslogs

import (
	"context"
	"encoding/json"
	"os"
)

// batch is what is being stored: it is written down before, so that after a kill
// the very same events are offered again, and the store can tell that it has them.
type batch struct {
	End    int64   `json:"end"` // where in the file it ends
	Events []Event `json:"events"`
}

func (t *tail) batchPath() string { return t.stream.Path + ".batch" }

// note writes a batch down. When that does not work, a kill can double its lines.
func (t *tail) note(events []Event, end int64) {
	content, err := json.Marshal(batch{end, events})
	if err == nil {
		err = os.WriteFile(t.batchPath(), content, 0o600)
	}
	if err != nil && t.options.Log != nil {
		t.options.Log.Warn("noting a batch of log events", "file", t.stream.Path, "error", err)
	}
}

// repeat stores the batch that was under way when the process ended. One that was
// not written down to its end was not offered to the store yet.
func (t *tail) repeat(ctx context.Context) error {
	content, err := os.ReadFile(t.batchPath())
	var b batch
	if err != nil || json.Unmarshal(content, &b) != nil || b.End <= t.offset {
		return nil
	}
	if err := t.put(ctx, b.Events, true); err != nil {
		return err
	}
	t.batches.Add(1)
	t.save(b.End)
	return nil
}

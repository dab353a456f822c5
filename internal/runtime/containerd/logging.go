package containerd

import (
	"context"
	"io"
	"log/slog"

	"github.com/containerd/log"
	"github.com/sirupsen/logrus"
)

// routeLogs sends containerd's messages to ours. Containerd logs through one
// process-wide logger, so the last instance that was opened gets them all.
// Its information is of no interest to a user of ECS, and many of its warnings
// and errors are noise ("failed check for fsverity", a log pipe already closed):
// all of it becomes debug, except what it calls fatal.
func routeLogs(to *slog.Logger) {
	if to == nil {
		to = slog.New(slog.DiscardHandler)
	}
	logger := log.L.Logger
	logger.SetOutput(io.Discard)
	logger.ReplaceHooks(logrus.LevelHooks{})
	level := logrus.InfoLevel
	if !to.Enabled(context.Background(), slog.LevelDebug) {
		level = logrus.FatalLevel
	}
	logger.SetLevel(level)
	logger.AddHook(slogHook{to.With("from", "containerd")})
}

type slogHook struct{ to *slog.Logger }

func (slogHook) Levels() []logrus.Level { return logrus.AllLevels }

func (h slogHook) Fire(e *logrus.Entry) error {
	level := slog.LevelDebug
	if e.Level <= logrus.FatalLevel {
		level = slog.LevelError
	}
	attrs := make([]slog.Attr, 0, len(e.Data)+1)
	for k, v := range e.Data {
		attrs = append(attrs, slog.Any(k, v))
	}
	attrs = append(attrs, slog.String("severity", e.Level.String()))
	h.to.LogAttrs(context.Background(), level, e.Message, attrs...)
	return nil
}

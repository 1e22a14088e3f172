package core

import (
	"context"
	"log/slog"
	"slices"
)

// The keys that [LogHandler] adds.
const (
	LogTenantID     = "tenant_id"
	LogScope        = "scope"
	LogSystemReason = "system_reason"
)

// LogHandler wraps a [slog.Handler] so that each record says on whose behalf it
// was written: the tenant's id and the scope of the record's context, and under
// [System] the reason. A record without a scope stays as it is. Log with the
// context (logger.InfoContext), or there is nothing to add.
//
// The three attributes stand at the top level of the output, whatever groups the
// logger has open, so that one query finds a tenant's lines.
func LogHandler(next slog.Handler) slog.Handler {
	return &logHandler{top: next, all: next}
}

type logHandler struct {
	top   slog.Handler // with the attributes that came before the first group
	all   slog.Handler // with everything: for records without a scope
	steps []logStep    // what came since the first group, to be replayed below top
}

// logStep is one WithGroup, together with the attributes that followed it.
type logStep struct {
	group string
	attrs []slog.Attr
}

func (h *logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.all.Enabled(ctx, level)
}

func (h *logHandler) Handle(ctx context.Context, rec slog.Record) error {
	own := scopeAttrs(ctx)
	if own == nil {
		return h.all.Handle(ctx, rec)
	}
	if len(h.steps) == 0 {
		rec = rec.Clone() // the caller's record may share its tail with copies
		rec.AddAttrs(own...)
		return h.all.Handle(ctx, rec)
	}
	// An open group cannot be left again, so the groups become group attributes.
	inner := make([]slog.Attr, 0, rec.NumAttrs())
	rec.Attrs(func(a slog.Attr) bool {
		inner = append(inner, a)
		return true
	})
	for _, step := range slices.Backward(h.steps) {
		attrs := slices.Concat(step.attrs, inner)
		inner = []slog.Attr{{Key: step.group, Value: slog.GroupValue(attrs...)}}
	}
	out := slog.NewRecord(rec.Time, rec.Level, rec.Message, rec.PC)
	out.AddAttrs(own...)
	out.AddAttrs(inner...)
	return h.top.Handle(ctx, out)
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	c := *h
	c.all = h.all.WithAttrs(attrs)
	if n := len(h.steps); n == 0 {
		c.top = c.all
	} else {
		c.steps = slices.Clone(h.steps)
		last := &c.steps[n-1]
		last.attrs = slices.Concat(last.attrs, attrs)
	}
	return &c
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	c.all = h.all.WithGroup(name)
	c.steps = append(slices.Clone(h.steps), logStep{group: name})
	return &c
}

// scopeAttrs is what a record is given; nil for a context without a scope.
func scopeAttrs(ctx context.Context) []slog.Attr {
	s := find(ctx)
	if s == nil || s.scope.Mode == 0 {
		return nil
	}
	attrs := make([]slog.Attr, 0, 3)
	if s.tenant != nil {
		attrs = append(attrs, slog.String(LogTenantID, s.id().String()))
	}
	attrs = append(attrs, slog.String(LogScope, s.scope.Mode.String()))
	if s.scope.Mode == ModeSystem {
		attrs = append(attrs, slog.String(LogSystemReason, s.scope.Reason))
	}
	return attrs
}

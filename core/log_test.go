package core_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/slogtest"

	"github.com/stratum-hq/stratum-go/core"
)

// scoped hands every record on with a tenant's context.
type scoped struct {
	slog.Handler
	ctx context.Context
}

func (s scoped) Handle(_ context.Context, r slog.Record) error { return s.Handler.Handle(s.ctx, r) }
func (s scoped) WithAttrs(a []slog.Attr) slog.Handler          { return scoped{s.Handler.WithAttrs(a), s.ctx} }
func (s scoped) WithGroup(n string) slog.Handler               { return scoped{s.Handler.WithGroup(n), s.ctx} }

func TestLogHandlerConforms(t *testing.T) {
	for name, ctx := range map[string]context.Context{
		"without scope": context.Background(),
		"with tenant":   core.NewContext(context.Background(), acme()),
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			slogtest.Run(t, func(*testing.T) slog.Handler {
				out.Reset()
				return scoped{core.LogHandler(slog.NewJSONHandler(&out, nil)), ctx}
			}, func(t *testing.T) map[string]any {
				m := map[string]any{}
				if err := json.Unmarshal(out.Bytes(), &m); err != nil {
					t.Fatal(err)
				}
				return m
			})
		})
	}
}

func TestLogHandler(t *testing.T) {
	tenant := core.NewContext(t.Context(), acme())
	for _, c := range []struct {
		name string
		ctx  context.Context
		want string
	}{
		{"none", t.Context(), ``},
		{"no tenant", core.NewContext(t.Context(), nil), ``},
		{"tenant", tenant, ` tenant_id=` + canonical + ` scope=tenant`},
		{"subtree", core.Subtree(tenant), ` tenant_id=` + canonical + ` scope=subtree`},
		{"system", core.System(t.Context(), "nightly"), ` scope=system system_reason=nightly`},
		{"system with tenant", core.System(tenant, "x"), ` tenant_id=` + canonical + ` scope=system system_reason=x`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			next := slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(g []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey && len(g) == 0 {
					return slog.Attr{}
				}
				return a
			}})
			log := slog.New(core.LogHandler(next))
			check := func(want string) {
				t.Helper()
				if got := strings.TrimSpace(out.String()); got != want {
					t.Errorf("\n got %s\nwant %s", got, want)
				}
				out.Reset()
			}
			log.InfoContext(c.ctx, "hi", "a", 1)
			check("level=INFO msg=hi a=1" + c.want)
			log.With("w", 0).InfoContext(c.ctx, "hi", "a", 1)
			check("level=INFO msg=hi w=0 a=1" + c.want)
			// Within groups the order differs; the place must not.
			log.With("w", 0).WithGroup("g").With("x", 1).WithGroup("h").InfoContext(c.ctx, "hi", "a", 1)
			check("level=INFO msg=hi w=0" + c.want + " g.x=1 g.h.a=1")
			log.WithGroup("g").InfoContext(c.ctx, "hi")
			check("level=INFO msg=hi" + c.want)
		})
	}
}

// Two loggers made from one must not write into each other's attributes.
func TestLogHandlerSiblings(t *testing.T) {
	var out bytes.Buffer
	base := slog.New(core.LogHandler(slog.NewTextHandler(&out, nil))).WithGroup("g").With("a", 1)
	one, two := base.With("b", 1), base.With("c", 2)
	ctx := core.NewContext(t.Context(), acme())
	one.InfoContext(ctx, "one")
	two.InfoContext(ctx, "two")
	lines := strings.Split(out.String(), "\n")
	if !strings.Contains(lines[0], "g.a=1 g.b=1") || strings.Contains(lines[0], "g.c") || !strings.Contains(lines[1], "g.a=1 g.c=2") {
		t.Errorf("got\n%s", out.String())
	}
	if base.Enabled(ctx, slog.LevelDebug) {
		t.Error("the level of the wrapped handler does not count")
	}
}

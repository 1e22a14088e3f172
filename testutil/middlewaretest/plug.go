package middlewaretest

import (
	"strings"

	"github.com/stratum-hq/stratum-go/core/admit"
)

// Convert returns the configuration for a framework, whose error handlers are of the
// type E. onError adapts the one of cfg, and is called only if there is one.
func Convert[E any](cfg Config, onError func(func(Exchange, error) error) E) admit.Config[E] {
	out := admit.Config[E]{
		Extract:      cfg.Extract,
		Authorize:    cfg.Authorize,
		Skip:         cfg.Skip,
		Optional:     cfg.Optional,
		Observe:      cfg.Observe,
		Impersonate:  cfg.Impersonate,
		Vary:         cfg.Vary,
		CacheControl: cfg.CacheControl,
		Trace:        cfg.Trace,
		Logger:       cfg.Logger,
	}
	if cfg.OnError != nil {
		out.OnError = onError(cfg.OnError)
	}
	return out
}

// Colons spells the parameters of a path /t/{tenant}/x as /t/:tenant/x.
func Colons(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}") {
			segments[i] = ":" + s[1:len(s)-1]
		}
	}
	return strings.Join(segments, "/")
}

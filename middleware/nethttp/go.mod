module github.com/stratum-hq/stratum-go/middleware/nethttp

go 1.26.0

require (
	github.com/go-chi/chi/v5 v5.5.0
	github.com/stratum-hq/stratum-go/core v0.0.0
	github.com/stratum-hq/stratum-go/testutil v0.0.0
	go.uber.org/goleak v1.3.0
)

replace (
	github.com/stratum-hq/stratum-go/core => ../../core
	github.com/stratum-hq/stratum-go/embedpg => ../../embedpg
	github.com/stratum-hq/stratum-go/testutil => ../../testutil
)

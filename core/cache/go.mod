module github.com/stratum-hq/stratum-go/core/cache

go 1.26.0

require (
	github.com/hashicorp/golang-lru/v2 v2.0.7
	github.com/stratum-hq/stratum-go/core v0.0.0
	go.uber.org/goleak v1.3.0
	pgregory.net/rapid v1.3.0
)

replace github.com/stratum-hq/stratum-go/core => ..

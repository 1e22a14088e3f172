module github.com/stratum-hq/stratum-go/middleware/fiber

go 1.26.0

require (
	github.com/gofiber/fiber/v2 v2.52.15
	github.com/stratum-hq/stratum-go/core v0.0.0
	github.com/stratum-hq/stratum-go/testutil v0.0.0
	github.com/valyala/fasthttp v1.70.0
	go.uber.org/goleak v1.3.0
)

require (
	github.com/andybalholm/brotli v1.2.7 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/klauspost/compress v1.18.5 // indirect
	github.com/mattn/go-colorable v0.1.13 // indirect
	github.com/mattn/go-isatty v0.0.20 // indirect
	github.com/mattn/go-runewidth v0.0.16 // indirect
	github.com/rivo/uniseg v0.2.0 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	golang.org/x/sys v0.41.0 // indirect
)

replace (
	github.com/stratum-hq/stratum-go/core => ../../core
	github.com/stratum-hq/stratum-go/embedpg => ../../embedpg
	github.com/stratum-hq/stratum-go/testutil => ../../testutil
)

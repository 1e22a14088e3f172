module github.com/stratum-hq/stratum-go/core

go 1.26.0

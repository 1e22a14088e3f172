module github.com/stratum-hq/stratum-go/auth/jwt

go 1.26.0

require (
	github.com/MicahParks/jwkset v0.11.4
	github.com/golang-jwt/jwt/v5 v5.3.1
	github.com/stratum-hq/stratum-go/core v0.0.0
	go.uber.org/goleak v1.3.0
	pgregory.net/rapid v1.3.0
)

require golang.org/x/time v0.15.0 // indirect

replace github.com/stratum-hq/stratum-go/core => ../../core

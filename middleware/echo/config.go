package stratumecho

import (
	"github.com/labstack/echo/v4"

	"github.com/stratum-hq/stratum-go/core/admit"
)

// Config is the admission's configuration; the zero value reads the header
// X-Tenant-ID. OnError answers a refused request in place of [WriteError]; the
// response carries Cache-Control: no-store already. What it returns, the middleware
// returns: an error goes on to the HTTPErrorHandler of the application.
type Config = admit.Config[func(c echo.Context, err error) error]

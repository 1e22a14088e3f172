package stratumgin

import (
	"github.com/gin-gonic/gin"

	"github.com/stratum-hq/stratum-go/core/admit"
)

// Config is the admission's configuration; the zero value reads the header
// X-Tenant-ID. OnError answers a refused request in place of [WriteError]; the
// request is aborted by then, and the response carries Cache-Control: no-store.
type Config = admit.Config[func(c *gin.Context, err error)]

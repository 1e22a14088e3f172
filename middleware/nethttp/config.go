package stratumhttp

import (
	"net/http"

	"github.com/stratum-hq/stratum-go/core/admit"
)

// Config is the admission's configuration; the zero value reads the header
// X-Tenant-ID. OnError answers a refused request in place of [WriteError]; the
// response carries Cache-Control: no-store already.
type Config = admit.Config[func(w http.ResponseWriter, r *http.Request, err error)]

package stratumtest_test

import (
	"testing"
	"time"

	"github.com/stratum-hq/stratum-go/testutil"
)

func attack(t testing.TB, d opened, cfg stratumtest.Config) *stratumtest.Report {
	t.Helper()
	cfg.Owner = d.owner
	report, err := stratumtest.Attack(t.Context(), d.app, cfg)
	if err != nil {
		t.Fatal(err, report)
	}
	return report
}

func TestASoundSchemaPasses(t *testing.T) {
	t.Parallel()
	d := open(t, faults{}, protectedShop())
	start := time.Now()
	report := attack(t, d, stratumtest.Config{})
	t.Logf("%v\n%s", time.Since(start), report)
	if !report.OK() || len(report.Tables) != len(sound)+2 {
		t.Error("a sound schema does not pass")
	}
}

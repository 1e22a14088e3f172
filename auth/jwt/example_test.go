package stratumjwt_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	stratumjwt "github.com/stratum-hq/stratum-go/auth/jwt"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

func Example() {
	secret := bytes.Repeat([]byte("x"), 32) // 32 random bytes, kept in a safe place
	v, err := stratumjwt.New(context.Background(), stratumjwt.Config{
		Keys:     []stratumjwt.Key{{Algorithm: "HS256", Secret: core.NewSecret(secret)}},
		Issuer:   "https://id.example.com/",
		Audience: []string{"https://api.example.com"},
		Claim:    "org.id",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	admission := admit.New(
		core.Static(&core.Tenant{ID: core.NewID(), Slug: "brazil", Status: core.Active}),
		admit.Config[struct{}]{Extract: v.Extractor()},
	)

	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": "https://id.example.com/", "aud": "https://api.example.com", "sub": "ana",
		"exp": time.Now().Add(time.Hour).Unix(), "org": map[string]any{"id": "brazil"},
	}).SignedString(secret)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, authorization := range []string{"Bearer " + token, "Bearer " + token + "x"} {
		r := httptest.NewRequest("GET", "/invoices", nil)
		r.Header.Set("Authorization", authorization)
		ctx, err := admission.Admit(r.Context(), admit.HTTP(r))
		if err != nil {
			fmt.Println(err)
			continue
		}
		tenant, _ := core.FromContext(ctx)
		claims, _ := v.Claims(admit.HTTP(r)) // as a handler does
		fmt.Println(claims.Subject, "acts in", tenant.Slug)
	}
	// Output:
	// ana acts in brazil
	// the token is not valid (UNAUTHORIZED)
}

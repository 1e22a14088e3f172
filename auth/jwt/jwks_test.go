package stratumjwt_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	stratumjwt "github.com/stratum-hq/stratum-go/auth/jwt"
	"github.com/stratum-hq/stratum-go/core"
)

// provider serves a key set, and can be changed while it does.
type provider struct {
	*httptest.Server
	calls  atomic.Int32
	served chan struct{} // one for each answer

	mu     sync.Mutex
	answer http.HandlerFunc
}

func newProvider(t *testing.T, keys ...claims) *provider {
	p := &provider{served: make(chan struct{}, 1000)}
	p.serve(keys...)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.calls.Add(1)
		p.mu.Lock()
		answer := p.answer
		p.mu.Unlock()
		answer(w, r)
		p.served <- struct{}{}
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *provider) handle(h http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = h
}

func (p *provider) serve(keys ...claims) {
	body := must(json.Marshal(claims{"keys": append([]claims{}, keys...)}))
	p.handle(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })
}

// verifier of the provider's keys; it ends with the test.
func (p *provider) verifier(t *testing.T, set stratumjwt.JWKS, clock *clock) *stratumjwt.Verifier {
	t.Helper()
	v, err := p.open(t.Context(), set, clock)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (p *provider) open(ctx context.Context, set stratumjwt.JWKS, clock *clock) (*stratumjwt.Verifier, error) {
	set.URL, set.Client = p.URL, p.Client()
	return stratumjwt.New(ctx, stratumjwt.Config{
		JWKS: set, Issuer: "id", Audience: []string{"api"}, Clock: clock.Now, Logger: slog.New(slog.DiscardHandler),
	})
}

func rsaJWK(kid string, k *rsa.PrivateKey, with claims) claims {
	return merge(claims{"kty": "RSA", "kid": kid, "n": b64(k.N.Bytes()), "e": b64(big.NewInt(int64(k.E)).Bytes())}, with)
}

func ecJWK(kid string, k *ecdsa.PrivateKey, with claims) claims {
	point := must(k.PublicKey.Bytes())[1:]
	return merge(claims{
		"kty": "EC", "kid": kid, "crv": k.Curve.Params().Name, "x": b64(point[:len(point)/2]), "y": b64(point[len(point)/2:]),
	}, with)
}

func edJWK(kid string, k ed25519.PrivateKey, with claims) claims {
	return merge(claims{"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": b64(k.Public().(ed25519.PublicKey))}, with)
}

func merge(a, b claims) claims {
	for k, v := range b {
		a[k] = v
	}
	return a
}

// idToken is a token of the provider, good for days.
func idToken(alg string, key any, kid any) string {
	h := claims{}
	if kid != nil {
		h["kid"] = kid
	}
	return sign(alg, key, good(claims{"iss": "id", "aud": "api", "exp": start.Unix() + 1e6}), h)
}

func TestSetAlgorithms(t *testing.T) {
	p := newProvider(t,
		rsaJWK("rs", rsaKey(), nil), rsaJWK("ps", rsaKey(), claims{"alg": "PS384", "use": "sig"}), edJWK("ed", edKey(), nil),
		ecJWK("e2", p256(), claims{"key_ops": []string{"verify"}}), ecJWK("e3", p384(), nil), ecJWK("e5", p521(), claims{"alg": "ES512"}))
	v := p.verifier(t, stratumjwt.JWKS{}, newClock())
	for kid, alg := range map[string]string{"rs": "RS256", "ps": "PS384", "ed": "EdDSA", "e2": "ES256", "e3": "ES384", "e5": "ES512"} {
		for _, other := range all {
			want := errNo
			if other == alg {
				check(t, v, idToken(other, private(other), kid), nil)
			} else {
				check(t, v, idToken(other, private(other), kid), want)
			}
		}
	}
	check(t, v, idToken("EdDSA", edKey(), nil), nil) // the only one in question
	if n := p.calls.Load(); n != 1 {
		t.Errorf("known keys were fetched %d times", n)
	}
	only := p.verifier(t, stratumjwt.JWKS{Algorithms: []string{"ES256"}}, newClock())
	check(t, only, idToken("ES256", p256(), "e2"), nil)
	check(t, only, idToken("RS256", rsaKey(), "rs"), errNo)
}

func TestTwoKeysInQuestion(t *testing.T) {
	p := newProvider(t, rsaJWK("a", rsaKey(), nil), rsaJWK("b", otherRSA(), nil))
	v := p.verifier(t, stratumjwt.JWKS{}, newClock())
	check(t, v, idToken("RS256", rsaKey(), "a"), nil)
	check(t, v, idToken("RS256", rsaKey(), "b"), errNo)
	check(t, v, idToken("RS256", rsaKey(), nil), errNo)
}

// Keys that must not be used, and none of which spoils the good one beside it.
func TestMaliciousKeys(t *testing.T) {
	short := claims{"kty": "RSA", "kid": "x", "n": b64(new(big.Int).SetBit(big.NewInt(1), 1023, 1).Bytes()), "e": "AQAB"}
	for name, bad := range map[string]claims{
		"secret":           {"kty": "oct", "kid": "x", "k": b64(secret(64)), "alg": "HS256"},
		"secret, no alg":   {"kty": "oct", "kid": "x", "k": b64(secret(64))},
		"secret as RS256":  {"kty": "oct", "kid": "x", "k": b64(secret(64)), "alg": "RS256"},
		"RSA as HS256":     rsaJWK("x", otherRSA(), claims{"alg": "HS256"}),
		"RSA as ES256":     rsaJWK("x", otherRSA(), claims{"alg": "ES256"}),
		"RSA as none":      rsaJWK("x", otherRSA(), claims{"alg": "none"}),
		"encryption":       rsaJWK("x", otherRSA(), claims{"use": "enc"}),
		"other use":        rsaJWK("x", otherRSA(), claims{"use": "x"}),
		"signing only":     rsaJWK("x", otherRSA(), claims{"key_ops": []string{"sign"}}),
		"OAEP":             rsaJWK("x", otherRSA(), claims{"alg": "RSA-OAEP"}),
		"short RSA":        short,
		"exponent 1":       rsaJWK("x", otherRSA(), claims{"e": "AQ"}),
		"exponent 0":       rsaJWK("x", otherRSA(), claims{"e": "AA"}),
		"huge exponent":    rsaJWK("x", otherRSA(), claims{"e": b64(secret(40))}),
		"no modulus":       {"kty": "RSA", "kid": "x", "e": "AQAB"},
		"bad base64":       rsaJWK("x", otherRSA(), claims{"n": "!!"}),
		"not on the curve": ecJWK("x", p256(), claims{"x": b64(secret(32))}),
		"unknown curve":    ecJWK("x", p256(), claims{"crv": "secp256k1"}),
		"X25519":           edJWK("x", edKey(), claims{"crv": "X25519"}),
		"short Ed25519":    edJWK("x", edKey(), claims{"x": "AAAA"}),
		"unknown type":     {"kty": "AKP", "kid": "x"},
		"no type":          {"kid": "x"},
		"wrong types":      {"kty": 7, "kid": []string{"x"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t, bad, rsaJWK("good", rsaKey(), nil))
			v := p.verifier(t, stratumjwt.JWKS{}, newClock())
			check(t, v, idToken("RS256", rsaKey(), "good"), nil)
			for _, alg := range all {
				key := private(alg)
				if key == any(rsaKey()) {
					key = otherRSA()
				}
				check(t, v, idToken(alg, key, "x"), errNo)
			}
		})
	}
}

// A certificate or its address beside a key changes nothing, and nothing is fetched.
func TestCertificatesInASet(t *testing.T) {
	p := newProvider(t)
	p.serve(rsaJWK("a", rsaKey(), claims{"x5u": "https://127.0.0.1:1/cert", "x5c": []string{"MIIB"}, "x5t": "AAAA"}))
	check(t, p.verifier(t, stratumjwt.JWKS{}, newClock()), idToken("RS256", rsaKey(), "a"), nil)
}

func TestRotation(t *testing.T) {
	p, clock := newProvider(t, rsaJWK("old", rsaKey(), nil)), newClock()
	v := p.verifier(t, stratumjwt.JWKS{}, clock)
	old, fresh := idToken("RS256", rsaKey(), "old"), idToken("RS256", otherRSA(), "new")
	check(t, v, old, nil)
	check(t, v, fresh, errNo) // fetched, and not there
	if n := p.calls.Load(); n != 2 {
		t.Fatalf("%d fetches", n)
	}
	p.serve(rsaJWK("old", rsaKey(), nil), rsaJWK("new", otherRSA(), nil))
	for range 20 {
		check(t, v, fresh, errNo) // too soon
	}
	if n := p.calls.Load(); n != 2 {
		t.Fatalf("%d fetches within the cooldown", n)
	}
	clock.Advance(time.Minute)
	check(t, v, fresh, nil)
	check(t, v, old, nil)
	p.serve(rsaJWK("new", otherRSA(), nil))
	clock.Advance(time.Minute)
	check(t, v, idToken("RS256", rsaKey(), "unknown"), errNo)
	check(t, v, old, errNo) // withdrawn, though it was verified and is remembered
	check(t, v, fresh, nil)
}

// All requests that come with a new key at once are served by one fetch, that of
// somebody who gives up included.
func TestOneFetchForAll(t *testing.T) {
	p, clock := newProvider(t, rsaJWK("old", rsaKey(), nil)), newClock()
	v := p.verifier(t, stratumjwt.JWKS{}, clock)
	clock.Advance(time.Hour)
	entered, release := make(chan struct{}), make(chan struct{})
	body := must(json.Marshal(claims{"keys": []claims{rsaJWK("new", otherRSA(), nil)}}))
	p.handle(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		_, _ = w.Write(body)
	})
	token := idToken("RS256", otherRSA(), "new")
	impatient, give := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := v.Verify(impatient, token)
		gone <- err
	}()
	<-entered
	give()
	if err := <-gone; !errors.Is(err, context.Canceled) || !errors.Is(err, core.ErrResolverDown) {
		t.Errorf("who gave up got %v", err)
	}
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if _, err := v.Verify(t.Context(), token); err != nil {
				t.Error(err)
			}
		})
	}
	close(release)
	group.Wait()
	if n := p.calls.Load(); n != 2 {
		t.Errorf("%d fetches", n)
	}
}

func TestOutage(t *testing.T) {
	huge := strings.Repeat(" ", 2<<20)
	for name, outage := range map[string]http.HandlerFunc{
		"500":        func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"redirect":   func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"HTML":       func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "<html>") },
		"empty":      func(http.ResponseWriter, *http.Request) {},
		"no set":     func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "{}") },
		"wrong type": func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, `{"keys":{}}`) },
		"huge":       func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, `{"keys":[]`+huge+`}`) },
		"many keys": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprint(w, `{"keys":[`+strings.Repeat("{},", 256)+`{}]}`)
		},
		"hangs":        func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"hangs inside": func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush(); <-r.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			p, clock := newProvider(t, rsaJWK("a", rsaKey(), nil)), newClock()
			set := stratumjwt.JWKS{}
			if strings.HasPrefix(name, "hangs") {
				set.Timeout = time.Second
			}
			v := p.verifier(t, set, clock)
			p.handle(outage)
			clock.Advance(time.Hour)
			unknown := idToken("RS256", otherRSA(), "b")
			check(t, v, unknown, core.ErrResolverDown)
			check(t, v, idToken("RS256", rsaKey(), "a"), nil)
			check(t, v, idToken("HS256", secret(64), "a"), errNo)
			if n := p.calls.Load(); n != 2 {
				t.Errorf("%d fetches", n)
			}
			if _, err := p.open(t.Context(), set, clock); err == nil {
				t.Error("a verifier starts without keys")
			}
			p.serve(rsaJWK("b", otherRSA(), nil))
			clock.Advance(time.Hour)
			check(t, v, unknown, nil)
		})
	}
}

func TestRefresh(t *testing.T) {
	p := newProvider(t, rsaJWK("a", rsaKey(), nil))
	v := p.verifier(t, stratumjwt.JWKS{Refresh: 5 * time.Millisecond, Cooldown: 5 * time.Millisecond}, newClock())
	p.handle(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	p.wait(t, 3)
	check(t, v, idToken("RS256", rsaKey(), "a"), nil)
	p.serve(rsaJWK("b", otherRSA(), nil))
	p.wait(t, 3) // the last of these began after the one before had been taken in
	check(t, v, idToken("RS256", otherRSA(), "b"), nil)
	check(t, v, idToken("RS256", rsaKey(), "a"), errNo)
}

// wait waits for answers that are given from now on.
func (p *provider) wait(t *testing.T, n int) {
	t.Helper()
	for len(p.served) > 0 {
		<-p.served
	}
	for range n {
		select {
		case <-p.served:
		case <-time.After(10 * time.Second):
			t.Fatal("the set is not refreshed")
		}
	}
}

func TestNoKeysAtStart(t *testing.T) {
	p := newProvider(t, claims{"kty": "oct", "kid": "x", "k": b64(secret(64))})
	if v, err := p.open(t.Context(), stratumjwt.JWKS{}, newClock()); err == nil || v != nil {
		t.Error("a set without a key that can be used is accepted")
	}
}

// The goroutine ends with its context; the keys stay good, and nobody waits for new ones.
func TestEnd(t *testing.T) {
	p, clock := newProvider(t, rsaJWK("a", rsaKey(), nil)), newClock()
	before := goleak.IgnoreCurrent()
	ctx, cancel := context.WithCancel(t.Context())
	v, err := p.open(ctx, stratumjwt.JWKS{}, clock)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	p.Client().CloseIdleConnections()
	goleak.VerifyNone(t, before, goleak.IgnoreAnyFunction("net/http.(*conn).serve"))
	check(t, v, idToken("RS256", rsaKey(), "a"), nil)
	clock.Advance(30 * time.Minute)
	for range 3 {
		if _, err := v.Verify(context.Background(), idToken("RS256", rsaKey(), "b")); !errors.Is(err, core.ErrResolverDown) {
			t.Errorf("%v", err)
		}
	}
}

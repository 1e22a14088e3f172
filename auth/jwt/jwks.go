package stratumjwt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/MicahParks/jwkset"
)

const (
	maxSet     = 1 << 20 // bytes of a key set
	maxSetKeys = 256     // keys that are looked at
)

// remote is the key set of an identity provider. One goroutine fetches it; see the
// package documentation for when.
type remote struct {
	cfg    JWKS
	client *http.Client
	log    *slog.Logger
	now    func() time.Time
	keys   atomic.Pointer[[]*key]
	done   <-chan struct{} // closed when the goroutine has to end
	wake   chan struct{}   // asks for a fetch; has room for one

	mu      sync.Mutex
	pending chan struct{} // closed when the fetch that is due or under way has ended; nil: none is
	next    time.Time     // when an unknown key may cause a fetch again
	err     error         // of the last fetch
}

// openSet fetches the set for the first time and starts the goroutine.
func openSet(ctx context.Context, cfg JWKS, now func() time.Time, log *slog.Logger) (*remote, error) {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&cfg.Refresh, time.Hour}, {&cfg.Cooldown, time.Minute}, {&cfg.Timeout, 10 * time.Second}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if cfg.Algorithms == nil {
		cfg.Algorithms = asymmetric
	}
	cfg.Algorithms = slices.Clone(cfg.Algorithms)
	client := http.Client{}
	if cfg.Client != nil {
		client = *cfg.Client
	}
	// Where a redirect leads is not what was configured.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if log == nil {
		log = slog.Default()
	}
	r := &remote{cfg: cfg, client: &client, log: log, now: now, done: ctx.Done(), wake: make(chan struct{}, 1)}
	keys, err := r.fetch(ctx)
	if err != nil {
		return nil, fmt.Errorf("stratumjwt: fetching Config.JWKS.URL: %w", err)
	}
	if len(keys) == 0 {
		return nil, errors.New("stratumjwt: the set at Config.JWKS.URL has no key that can be used")
	}
	r.keys.Store(&keys)
	go r.run(ctx)
	return r, nil
}

// run fetches until ctx ends.
func (r *remote) run(ctx context.Context) {
	timer := time.NewTimer(r.cfg.Refresh)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-r.wake:
		}
		wait := r.cfg.Refresh
		keys, err := r.fetch(ctx)
		if err == nil {
			r.keys.Store(&keys)
		} else if ctx.Err() == nil {
			r.log.LogAttrs(ctx, slog.LevelWarn, "stratum: the key set for tokens cannot be fetched; the known keys stay in use", slog.Any("error", err))
			wait = min(wait, r.cfg.Cooldown)
		}
		r.end(err)
		timer.Reset(wait)
	}
}

// end lets go of those who wait for a fetch.
func (r *remote) end(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err, r.next = err, r.now().Add(r.cfg.Cooldown)
	if r.pending != nil {
		close(r.pending)
		r.pending = nil
	}
	select {
	case <-r.wake: // asked for while it was under way
	default:
	}
}

// look fetches the set for a key that is not known, if it is time. It waits for the one
// fetch of all who ask, and returns why the set is not up to date.
func (r *remote) look(ctx context.Context) error {
	r.mu.Lock()
	if r.pending == nil {
		if r.now().Before(r.next) {
			defer r.mu.Unlock()
			return r.err
		}
		r.pending = make(chan struct{})
		r.wake <- struct{}{}
	}
	pending := r.pending
	r.mu.Unlock()
	select {
	case <-pending:
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	case <-r.done:
		return errors.New("the context of the verifier has ended")
	}
}

// knows reports whether the set has a key of that id, whatever its algorithm.
func (r *remote) knows(kid string) bool {
	return slices.ContainsFunc(*r.keys.Load(), func(k *key) bool { return k.id == kid })
}

// keysFor returns the keys of the set for a token. One that names no key is served if
// only one key comes into question.
func (r *remote) keysFor(alg string, kid *string) []*key {
	var found []*key
	for _, k := range *r.keys.Load() {
		if k.method.Alg() == alg && (kid == nil || k.id == *kid) {
			found = append(found, k)
		}
	}
	if len(found) > 1 && (kid == nil || len(found) > maxKeys) {
		return nil
	}
	return found
}

// fetch reads the set. An error leaves the keys as they are.
func (r *remote) fetch(ctx context.Context) ([]*key, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.cfg.URL, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the status is %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxSet+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxSet {
		return nil, fmt.Errorf("the answer has more than %d bytes", maxSet)
	}
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, errors.New("the answer is no key set")
	}
	if set.Keys == nil || len(set.Keys) > maxSetKeys {
		return nil, fmt.Errorf("the answer is no key set, or one of more than %d keys", maxSetKeys)
	}
	keys := make([]*key, 0, len(set.Keys))
	for _, raw := range set.Keys {
		if k := r.parse(raw); k != nil {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// parse returns nil for a key that cannot be used: a secret, one for encryption, one that
// is too short, or of a type or algorithm that is not known or not allowed.
func (r *remote) parse(raw json.RawMessage) *key {
	var m jwkset.JWKMarshal
	if json.Unmarshal(raw, &m) != nil || m.KTY == jwkset.KtyOct {
		return nil
	}
	if m.USE != "" && m.USE != jwkset.UseSig || len(m.KEYOPS) > 0 && !slices.Contains(m.KEYOPS, jwkset.KeyOpsVerify) {
		return nil
	}
	m.X5C, m.X5T, m.X5TS256, m.X5U = nil, "", "", "" // certificates vouch for nothing here
	jwk, err := jwkset.NewJWKFromMarshal(m, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		return nil
	}
	alg := string(m.ALG)
	if alg == "" {
		alg = algorithmOf(m)
	}
	if !slices.Contains(r.cfg.Algorithms, alg) {
		return nil
	}
	k, _, _ := Key{ID: m.KID, Algorithm: alg, Public: jwk.Key()}.check()
	return k
}

// algorithmOf is the algorithm of a key that does not name its own.
func algorithmOf(m jwkset.JWKMarshal) string {
	if m.KTY == jwkset.KtyRSA {
		return "RS256"
	}
	return map[jwkset.CRV]string{
		jwkset.CrvP256: "ES256", jwkset.CrvP384: "ES384", jwkset.CrvP521: "ES512", jwkset.CrvEd25519: "EdDSA",
	}[m.CRV]
}

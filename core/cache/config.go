package cache

import (
	"math"
	"time"
)

// Config configures a [Resolver]. The zero value is ready to use.
type Config struct {
	// Size is how many references to tenants are kept, and how many to unknown ones
	// beside them. 0: 10,000.
	Size int

	// TTL is how long an answer holds if nothing invalidates it. 0: one minute.
	TTL time.Duration

	// NegativeTTL is how long "there is no such tenant" holds: how long a new tenant
	// may have to wait for its first request, where nothing invalidates. 0: five
	// seconds, or the TTL if that is less; never more than the TTL. Negative: not at all.
	NegativeTTL time.Duration

	// MaxStale is how long beyond its TTL an answer may be given while the source is
	// down (any error that is no [core.Error], or [core.ErrResolverDown]). 0: not at all.
	// What was invalidated is never given again.
	MaxStale time.Duration

	// Timeout bounds one call of the source. 0: ten seconds.
	Timeout time.Duration

	// Clock tells the time. Nil: time.Now.
	Clock func() time.Time
}

const (
	defaultSize        = 10_000
	defaultTTL         = time.Minute
	defaultNegativeTTL = 5 * time.Second
	defaultTimeout     = 10 * time.Second

	// retryStale is how long a stale answer stands before the source, which was
	// down, is asked again.
	retryStale = time.Second
)

// joinable is how old a flight may be that a call still joins: what it brings may
// have been read when it began, and may be that there is no such tenant.
func (c Config) joinable() time.Duration {
	if c.NegativeTTL > 0 {
		return min(c.TTL, c.NegativeTTL)
	}
	return c.TTL
}

// complete fills in the defaults. It panics on what can mean nothing.
func (c Config) complete() Config {
	if c.Size < 0 || c.TTL < 0 || c.MaxStale < 0 || c.Timeout < 0 {
		panic("cache: Size, TTL, MaxStale and Timeout must not be negative")
	}
	if c.Size == 0 {
		c.Size = defaultSize
	}
	if c.TTL == 0 {
		c.TTL = defaultTTL
	}
	if c.NegativeTTL == 0 {
		c.NegativeTTL = defaultNegativeTTL
	}
	c.NegativeTTL = min(c.NegativeTTL, c.TTL)
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	return c
}

// instant is a moment, as the time that has passed since the cache was made.
type instant time.Duration

// clock tells instants. Without a Clock it reads the monotonic time alone, which
// takes half as long as time.Now: the better part of a hit.
func (c Config) clock() func() instant {
	if tell := c.Clock; tell != nil {
		start := tell()
		return func() instant { return instant(tell().Sub(start)) }
	}
	start := time.Now()
	return func() instant { return instant(time.Since(start)) }
}

func (i instant) add(d time.Duration) instant {
	if sum := i + instant(d); sum >= i {
		return sum
	}
	return math.MaxInt64 // a TTL of centuries
}

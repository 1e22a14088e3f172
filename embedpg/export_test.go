package embedpg

// DefaultDir is where the tests of the external package make their folders, so that
// starts in them can use the cache.
func DefaultDir() string { return defaultDir() }

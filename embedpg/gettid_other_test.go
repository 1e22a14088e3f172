//go:build darwin || freebsd

package embedpg_test

func gettid() int { return 0 }

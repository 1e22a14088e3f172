package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Getenv, os.Stdout, os.Stderr))
}

// run is the program; it ends when ctx does, and returns the exit status.
func run(ctx context.Context, env func(string) string, stdout, stderr io.Writer) int {
	err := demo(ctx, env, stdout, stderr)
	var bad unusable
	var left unfinished
	switch {
	case err == nil, ctx.Err() != nil && !errors.As(err, &left): // Ctrl-C, while it was starting perhaps
		return 0
	case errors.As(err, &bad):
		fmt.Fprintln(stderr, "demo:", oneLine(bad.Error()))
		return 2
	}
	fmt.Fprintln(stderr, "demo:", oneLine(err.Error()))
	return 1
}

// unusable is an error of what the user gave.
type unusable struct{ error }

func (u unusable) Unwrap() error { return u.error }

func unusablef(format string, args ...any) error { return unusable{fmt.Errorf(format, args...)} }

// unfinished is an error of the end: something may have been left behind.
type unfinished struct{ error }

func (u unfinished) Unwrap() error { return u.error }

// finish adds the error of a step of the end, if it has one, to that which led there.
func finish(err, last error) error {
	if last == nil {
		return err
	}
	return errors.Join(err, unfinished{last})
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// Package quickstart is the code of the README, kept where it compiles and runs.
package quickstart

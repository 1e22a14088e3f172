// Command mods is the only writer of the plumbing between our modules: the
// requires and replaces of siblings, the go lines, and what follows from them.
//
//	mods sync         rewrite every go.mod of the workspace and tidy it
//	mods check        say what sync would change, and every broken import rule
//	mods list         print the module folders, dependencies first
//	mods ran LOG...   fail if a package with tests is missing from go test's output
//
// Everything rests on two lists: go.work says which modules there are, and the
// table in rules.go says which of them may import which.
package main

import "os"

func main() { os.Exit(Run(".", os.Args[1:], os.Stdout, os.Stderr)) }

// Command house checks the rules of style that no common linter knows: sizes of
// files and functions, no hidden globals, no sleeping tests, documented and
// exemplified packages, and texts that would tie the repository to one machine
// or registry.
//
//	house [FOLDER]
//
// It reads every file of the working copy around FOLDER and prints each finding
// as file:line: sentence.
package main

import "os"

func main() { os.Exit(Run(os.Args[1:], os.Stdout, os.Stderr)) }

// Command gin-ent is a small service on gin and ent.
//
//	go run .
package main

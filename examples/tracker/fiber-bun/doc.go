// Command fiber-bun is a small service on fiber and bun.
//
//	go run .
package main

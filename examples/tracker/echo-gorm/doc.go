// Command echo-gorm is a small service on echo and GORM.
//
//	go run .
package main

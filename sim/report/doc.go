// Package report turns a result document into something to read. Every figure it shows is in the
// document; it measures nothing.
package report

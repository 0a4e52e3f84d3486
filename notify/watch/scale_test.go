//go:build !race

package watch_test

const underRace = false

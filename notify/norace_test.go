//go:build !race

package notify_test

// raceEnabled scales the long tests down: the race detector makes them some ten times slower.
const raceEnabled = false

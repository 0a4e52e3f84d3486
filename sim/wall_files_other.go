//go:build !unix

package sim

// openFilesMax is not known here.
func openFilesMax() (limit int, known bool) { return 0, false }

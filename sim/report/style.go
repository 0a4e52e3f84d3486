package report

import "strings"

// Palette is the head of the page's style sheet: the colours of this module's pages, in the light
// and in the dark, as custom properties. A page that has a style of its own begins with it.
func Palette() string {
	colours, _, _ := strings.Cut(pageCSS, "\n* {")
	return colours + "\n"
}

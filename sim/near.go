package sim

import "strings"

// OneOf is the accepted form of a value that has to be one of these names. The one that a typing
// error may have been meant to be comes last, for the list can be long.
func OneOf(got string, names []string) string {
	form := "one of " + strings.Join(names, ", ")
	if near := Nearest(got, names); near != "" {
		form += "; did you mean " + near + "?"
	}
	return form
}

// Nearest is the name that a text is likely to stand for: that with the fewest letters to change,
// at most a third of them. It is "" if there is none, or no single one, or if the text is a name.
func Nearest(got string, names []string) string {
	nearest, least := "", len(got)/3+1
	for _, name := range names {
		switch d := distance(strings.ToLower(got), name); {
		case d < least:
			nearest, least = name, d
		case d == least:
			nearest = ""
		}
	}
	if nearest == got {
		return ""
	}
	return nearest
}

// distance is how many bytes have to be put in, left out, changed, or swapped with their neighbour
// to make b of a, each at most once (optimal string alignment).
func distance(a, b string) int {
	d := make([][]int, len(a)+1) // from a[:i] to b[:j]
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			changed := d[i-1][j-1]
			if a[i-1] != b[j-1] {
				changed++
			}
			d[i][j] = min(changed, d[i-1][j]+1, d[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

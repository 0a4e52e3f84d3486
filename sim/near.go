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

// distance is how many bytes have to be put in, left out or changed to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1) // from a[:i] to each b[:j]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := corner
			if a[i] != b[j] {
				changed++
			}
			corner = row[j+1]
			row[j+1] = min(changed, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

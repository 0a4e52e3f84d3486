package report

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// Format is one form of a report.
type Format struct {
	Name string
	exts []string // of files that are in this form
	// write may write a part and then fail: Write keeps that to itself.
	write func(*bytes.Buffer, []Result) error
}

// formats in the order in which they are listed to users.
var formats = []Format{
	{"text", []string{".txt"}, writeText},
	{"html", []string{".html", ".htm"}, writeHTML},
	{"markdown", []string{".md"}, writeMarkdown},
	{"json", []string{".json"}, writeJSON},
	{"csv", []string{".csv"}, writeCSV},
	{"csv-stages", nil, writeStages},
	{"hgrm", []string{".hgrm"}, writePercentiles},
	{"hlog", []string{".hlog"}, writeLog},
	{"bench", []string{".bench"}, writeBench},
	{"junit", []string{".xml"}, writeJUnit},
}

// Formats lists all formats.
func Formats() []Format { return slices.Clone(formats) }

// Find gives the format of that name.
func Find(name string) (Format, error) {
	var names []string
	for _, f := range formats {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return Format{}, fmt.Errorf("format %q: want one of %s", name, strings.Join(names, ", "))
}

// ForFile gives the format that the extension of a file's name stands for.
func ForFile(name string) (Format, bool) {
	ext := strings.ToLower(filepath.Ext(name))
	for _, f := range formats {
		if slices.Contains(f.exts, ext) {
			return f, true
		}
	}
	return Format{}, false
}

// Write writes the results in this format: all, or nothing and an error.
func (f Format) Write(w io.Writer, results []Result) error {
	var b bytes.Buffer
	if err := f.write(&b, results); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

func writeText(b *bytes.Buffer, results []Result) error {
	for i, r := range results {
		if len(results) > 1 {
			if i > 0 {
				b.WriteString("\n")
			}
			fmt.Fprintf(b, "%s\n\n", r.Name)
		}
		if err := Text(b, r.Document); err != nil {
			return fmt.Errorf("%s: %w", r.Name, err)
		}
	}
	return nil
}

// Extensions lists those that ForFile knows.
func Extensions() []string {
	var out []string
	for _, f := range formats {
		out = append(out, f.exts...)
	}
	return out
}

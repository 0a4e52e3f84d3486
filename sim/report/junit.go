package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/notifylab/notifylab/sim"
)

// The elements of JUnit's XML that CI systems read, in the order that its common schema demands.
type (
	junitSuites struct {
		XMLName  xml.Name `xml:"testsuites"`
		Name     string   `xml:"name,attr"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Errors   int      `xml:"errors,attr"`
		Suites   []junitSuite
	}
	junitSuite struct {
		XMLName    xml.Name        `xml:"testsuite"`
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"`
		Timestamp  string          `xml:"timestamp,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		XMLName   xml.Name     `xml:"testcase"`
		Name      string       `xml:"name,attr"`
		Class     string       `xml:"classname,attr"`
		Time      string       `xml:"time,attr"`
		Skipped   *junitReason `xml:"skipped"`
		Error     *junitReason `xml:"error"`
		Failure   *junitReason `xml:"failure"`
		SystemOut string       `xml:"system-out,omitempty"`
	}
	junitReason struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// writeJUnit writes a suite per document, with a case per run and one per objective of it. A run
// that failed is a failure, one that is invalid an error. An objective that failed is a failure,
// one that can't be judged is skipped: its run is what is in error. A baseline is none of these, as
// in the exit code.
func writeJUnit(b *bytes.Buffer, results []Result) error {
	all := junitSuites{Name: "simulate"}
	for _, r := range results {
		s := suite(r)
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Suites = append(all.Suites, s)
	}
	b.WriteString(xml.Header)
	enc := xml.NewEncoder(b)
	enc.Indent("", " ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	b.WriteString("\n")
	return nil
}

func suite(r Result) junitSuite {
	seconds := r.Scenario.Duration.Seconds()
	s := junitSuite{
		Name:      r.Name,
		Time:      fmt.Sprintf("%.3f", seconds*float64(len(r.Runs))),
		Timestamp: r.Environment.Time.UTC().Format("2006-01-02T15:04:05"),
		Properties: []junitProperty{
			{"seed", fmt.Sprint(r.Seed)}, {"clock", r.Environment.Clock},
			{"go", r.Environment.GoVersion},
		},
	}
	for _, run := range r.Runs {
		c := junitCase{
			Name: RunName(run), Class: "simulate." + world(&r.Scenario),
			Time: fmt.Sprintf("%.3f", seconds), SystemOut: caseOutput(r.Document, run),
		}
		why := &junitReason{Message: strings.Join(run.Reasons, "; "), Type: run.Verdict,
			Text: strings.Join(run.Reasons, "\n")}
		switch {
		case run.Baseline:
		case run.Verdict == sim.Failed:
			s.Failures++
			c.Failure = why
		case run.Verdict == sim.Invalid:
			s.Errors++
			c.Error = why
		}
		s.Cases = append(s.Cases, c)
		for i := range run.SLOs {
			s.addObjective(run, &run.SLOs[i], c.Class)
		}
	}
	s.Tests = len(s.Cases)
	return s
}

func (s *junitSuite) addObjective(run *sim.Run, x *sim.SLOResult, class string) {
	c := junitCase{Name: RunName(run) + ": " + x.SLO.String(), Class: class, Time: "0.000",
		SystemOut: fmt.Sprintf("%s: %s\n", x.Verdict, x)}
	why := &junitReason{Message: x.String(), Type: x.Verdict}
	switch {
	case run.Baseline:
	case x.Verdict == sim.Failed:
		s.Failures++
		c.Failure = why
	case x.Verdict == sim.Invalid:
		s.Skipped++
		c.Skipped = why
	}
	s.Cases = append(s.Cases, c)
}

// caseOutput is what a CI system shows below a case: the figures, and how to see it again.
func caseOutput(d *sim.Document, r *sim.Run) string {
	k, p := &r.Books, &r.Propagation
	return fmt.Sprintf("%s; offered %d, delivered %d, lost %d; propagation p50 %s, p99 %s, "+
		"max %s; staleness p99 %s\n%s\n", Verdict(r), k.Offered, k.Delivered, Lost(k),
		Duration(p.P50), Duration(p.P99), Duration(p.Max), Duration(r.Staleness.P99),
		commandOf(d, r))
}

// world names what a scenario was run on.
func world(s *sim.Scenario) string {
	if s.Workload == "" {
		return s.Topology
	}
	return s.Workload
}

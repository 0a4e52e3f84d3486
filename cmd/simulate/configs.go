package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/watch"
	"github.com/notifylab/notifylab/sim"
)

// defaultConfigs go from too small to ample in both queues, with a policy that keeps the latest
// state beside one that loses, and what service-center does with the same load.
var defaultConfigs = []sim.Config{
	{Engine: "notifylab", Policy: "conflate", QueueSize: 100, WatcherQueue: 16},
	{Engine: "notifylab", Policy: "conflate", QueueSize: 1000, WatcherQueue: 128},
	{Engine: "notifylab", Policy: "conflate", QueueSize: 5000, WatcherQueue: 512},
	{Engine: "notifylab", Policy: "drop-newest", QueueSize: 100, WatcherQueue: 16},
	{Engine: "notifylab", Policy: "drop-newest", QueueSize: 1000, WatcherQueue: 128},
	{Engine: "notifylab", Policy: "drop-newest", QueueSize: 5000, WatcherQueue: 512},
	{Engine: "sc-1.x"},
	{Engine: "sc-2.x"},
}

// manyConfigs are what is run instead with more than many consumers, where each takes a minute. The
// last one would take gigabytes on the wall clock.
var manyConfigs = []sim.Config{
	{Engine: "notifylab", Policy: "conflate", QueueSize: 1000, WatcherQueue: 128},
	{Engine: "notifylab", Policy: "conflate", QueueSize: 5000, WatcherQueue: 512},
	{Engine: "notifylab", Policy: "drop-newest", QueueSize: 1000, WatcherQueue: 128},
	{Engine: "sc-1.x"},
}

const many = 100_000

// lists are the flags that take several values.
type lists struct {
	engines, queueSizes, watcherQueues, policies string
	shards                                       int
	noResync                                     bool
}

// configs is every combination, or when nothing is asked for the default ones that the scenario can
// have, for its number of consumers.
func (l *lists) configs(s *sim.Scenario, clock string, wrong *mistakes) []sim.Config {
	var out []sim.Config
	engines := names("engine", l.engines, wrong, "notifylab")
	policies := names("policy", l.policies, wrong, "")
	queueSizes := sizes("queue-sizes", l.queueSizes, wrong)
	watcherQueues := sizes("watcher-queues", l.watcherQueues, wrong)
	if l.engines+l.policies+l.queueSizes+l.watcherQueues == "" {
		out = append(out, defaultConfigs...)
		if s.Consumers > many {
			out = append(out[:0], manyConfigs...)
			if clock == sim.WallClock {
				out = out[:len(out)-1]
			}
		}
		out = slices.DeleteFunc(out, func(c sim.Config) bool { return s.CheckEngine(c) != nil })
	} else {
		for _, e := range engines {
			its := policies
			if p, err := watch.PresetNamed(e); err == nil && p.Baseline {
				its = []string{""} // its policy is what makes it that baseline
			}
			for _, p := range its {
				for _, q := range queueSizes {
					for _, w := range watcherQueues {
						out = append(out,
							sim.Config{Engine: e, Policy: p, QueueSize: q, WatcherQueue: w})
					}
				}
			}
		}
	}
	said := make(map[string]bool)
	for i := range out {
		if p, err := watch.PresetNamed(out[i].Engine); err == nil && !p.Baseline {
			out[i].Shards, out[i].NoResync = l.shards, l.noResync
		}
		_, _, err := out[i].Resolve()
		if err == nil {
			err = s.CheckEngine(out[i])
		}
		if err != nil && !said[err.Error()] {
			said[err.Error()] = true
			wrong.addAll(err)
		}
	}
	if _, _, err := (sim.Config{Engine: "notifylab", Shards: l.shards}).Resolve(); err != nil &&
		len(said) == 0 { // with baselines only, which have their own
		wrong.addAll(err)
	}
	return out
}

// names splits a list; the flag's name and form are in the mistakes.
func names(flag, list string, wrong *mistakes, absent string) []string {
	if list == "" {
		return []string{absent}
	}
	out := strings.Split(list, ",")
	seen := make(map[string]bool)
	for i, name := range out {
		out[i] = strings.TrimSpace(name)
		if out[i] == "" {
			wrong.add("--%s %q: want names separated by commas, none empty", flag, list)
			break
		}
		if seen[out[i]] {
			wrong.add("--%s %q: %s is there twice: want each once", flag, list, out[i])
		}
		seen[out[i]] = true
	}
	return out
}

func sizes(flag, list string, wrong *mistakes) []int {
	if list == "" {
		return []int{0}
	}
	var out []int
	for _, name := range names(flag, list, wrong, "") {
		if name == "" {
			continue
		}
		n, err := strconv.Atoi(name)
		if err != nil || n < 1 {
			wrong.add("--%s %q: %q: want whole numbers from 1, separated by commas",
				flag, list, name)
			continue
		}
		out = append(out, n)
	}
	return out
}

func policyNames() string { return strings.Join(notify.OverflowNames(), ", ") }

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/notifylab/notifylab/sim"
)

// resolve reads the topology and checks everything together.
func (o *options) resolve(fs *pflag.FlagSet, wrong *mistakes) {
	s := &o.scenario
	if s.Topology != "" && fs.Changed("workload") {
		wrong.add("--workload %s: want it or --topology, not both", s.Workload)
	}
	if fs.Changed("topology") && s.Topology == "" {
		wrong.add(`--topology "": want a service-center dump (JSON)`)
	}
	o.resolveTrace(fs, wrong)
	path := s.Topology
	if path != "" {
		s.Workload, s.Topology = "", filepath.Base(path)
	}
	if err := s.Validate(); err != nil {
		wrong.addAll(err)
	} else if path == "" {
		t, err := s.Prepare(nil)
		if err != nil {
			wrong.addAll(err)
		}
		o.topology = t
	}
	if path != "" {
		dump, err := os.ReadFile(path)
		if err != nil {
			wrong.add("%s: %v: want a readable service-center dump (JSON)",
				wrong.name("topology"), err)
		} else if o.topology, err = s.Prepare(bytes.NewReader(dump)); err != nil {
			wrong.add("%s %s: %v", wrong.name("topology"), path, err)
		} else {
			o.dump = dump
		}
	}
	if o.topology != nil && s.Consumers >= 0 && s.Providers >= 0 {
		if err := o.topology.Check(s.Consumers, s.Providers); err != nil {
			wrong.add("%s %d, %s %d: %v", wrong.name("providers"), s.Providers,
				wrong.name("consumers"), s.Consumers, err)
		}
	}
	o.resolveClock(fs, wrong)
	o.checkUI(fs.Changed, wrong)
	if fs.Changed("out") {
		if err := writable(o.out); err != nil {
			wrong.add("--out: %v: want a file in a directory that can be written", err)
		}
	}
}

// resolveClock checks the clock and reads the cost model.
func (o *options) resolveClock(fs *pflag.FlagSet, wrong *mistakes) {
	if o.clock != sim.WallClock && o.clock != sim.VirtualClock {
		wrong.add("--clock %q: want %s or %s", o.clock, sim.WallClock, sim.VirtualClock)
	}
	if err := o.scenario.CheckClock(o.clock); err != nil {
		wrong.addAll(err)
	}
	if fs.Changed("cost") && o.clock == sim.WallClock {
		wrong.add("--cost %s: want it with --clock virtual only", o.costFrom)
	}
	switch o.costFrom {
	case "default":
		o.cost = sim.DefaultCost()
	case "zero":
		o.cost = sim.ZeroCost()
	default:
		f, err := os.Open(o.costFrom)
		if err == nil {
			defer f.Close()
			o.cost, err = sim.ReadCost(f)
		}
		if err != nil {
			wrong.add("--cost: %v: want default, zero or a file that calibrate wrote", err)
		}
	}
}

// writable reports why a file can't be put there, before an hour of work is lost to it.
func writable(path string) error {
	if path == "" {
		return errors.New("empty name")
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a directory", path)
	} else if err == nil && (!info.Mode().IsRegular() || filepath.Dir(path) == "/dev") {
		// A finished file takes the place of what is there: it would be the end of /dev/null.
		return fmt.Errorf("%s is no regular file", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".simulate-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

package capacity

import (
	"context"

	"github.com/notifylab/notifylab/sim"
)

// Fractions are the loads of the knee, as parts of the limit: close to each other where the curve
// bends.
var Fractions = [...]float64{0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85,
	0.9, 0.95, 1, 1.05}

// knee runs the fractions of the limit, each for as long as the first seed's run at it; those that
// come to the same load count once. A run that is invalid for too few samples stays: it says what
// it has.
func (f *Finder) knee(ctx context.Context, s *Search, limit float64) error {
	var jobs []*Job
	var points []sim.KneePoint
	for _, part := range Fractions {
		load := s.within(part * limit)
		if n := len(points); n > 0 && points[n-1].Load == load {
			continue
		}
		j, err := f.job(f.Seeds[0], load, f.lasts)
		if err != nil {
			return err
		}
		jobs, points = append(jobs, j), append(points, sim.KneePoint{Fraction: part, Load: load})
	}
	runs, err := f.Lab.all(ctx, jobs, nil)
	for i, r := range runs {
		if r != nil {
			points[i].Run = len(f.doc.Runs)
			f.doc.Runs = append(f.doc.Runs, r)
			f.out.Knee = append(f.out.Knee, points[i])
		}
	}
	return err
}

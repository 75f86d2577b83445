package loadgen

// repeatable is a result of which there may be several.
type repeatable[R any] interface {
	*R
	Failed() error
	several() *[]R // each, where there were several
}

// repeat runs a whole load n times, one after the other, and returns the medians
// with each result in several. It ends early with a run that failed or was
// interrupted.
func repeat[R any, P repeatable[R]](n int, run func() (P, error), interrupted func() bool) (P, error) {
	var runs []R
	for {
		r, err := run()
		if err != nil || n == 1 {
			return r, err
		}
		runs = append(runs, *r)
		if len(runs) == n || r.Failed() != nil || interrupted() {
			break
		}
	}
	result := P(new(medians(runs)))
	*result.several() = runs
	return result, nil
}

// failedOf returns the first failure of several runs.
func failedOf[R any, P repeatable[R]](runs []R) error {
	for i := range runs {
		if err := P(&runs[i]).Failed(); err != nil {
			return err
		}
	}
	return nil
}

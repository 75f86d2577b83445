package loadgen

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Bounds of a file of results.
const (
	maxResults     = 16 << 20 // bytes
	maxResultDepth = 8        // objects within each other
)

var (
	errNoResults      = errors.New("no result of rollcall bench")
	errResultsTooLong = fmt.Errorf("more than %d bytes", maxResults)
	errModes          = errors.New("results of several modes")
)

// Results are the figures of all runs in a file of `bench -o json`: one object,
// or several.
type Results struct {
	Mode  string
	Runs  int                  // of what has a value in each run
	names []string             // of the figures, in the order of the file
	all   map[string][]float64 // by name: of each run, sorted
	texts map[string][]string  // what is no number, by name: each that occurs, sorted
}

// entry is one object: its numbers by the path of their members, its texts, and
// the runs that it is the medians of.
type entry struct {
	names  []string
	values map[string]float64
	texts  map[string]string
	runs   []*entry
}

// ReadResults reads a file of results. What is no result, or of several modes,
// is refused.
func ReadResults(r io.Reader) (*Results, error) {
	limited := &io.LimitedReader{R: r, N: maxResults + 1}
	out := &Results{all: make(map[string][]float64), texts: make(map[string][]string)}
	for d := json.NewDecoder(limited); ; {
		one, err := readEntry(d)
		switch {
		case limited.N == 0:
			return nil, errResultsTooLong
		case errors.Is(err, io.EOF) && out.Runs > 0:
			return out.sorted(), nil
		case errors.Is(err, io.EOF):
			return nil, errNoResults
		case err != nil:
			return nil, fmt.Errorf("%w: %w", errNoResults, err)
		}
		if err := out.add(one); err != nil {
			return nil, err
		}
	}
}

// add takes the runs of one object where it has some, and else its own figures;
// of what the runs do not have, as how many leases there were, its own in any
// case.
func (r *Results) add(one *entry) error {
	mode := one.texts["mode"]
	switch {
	case mode == "":
		return fmt.Errorf("%w: no mode", errNoResults)
	case r.Mode != "" && mode != r.Mode:
		return fmt.Errorf("%w: %s and %s", errModes, r.Mode, mode)
	}
	r.Mode = mode
	r.Runs += max(len(one.runs), 1)
	for _, run := range one.runs {
		for _, name := range run.names {
			r.figure(name, run.values[name])
		}
	}
	for _, name := range one.names {
		if !slices.ContainsFunc(one.runs, func(run *entry) bool { return run.has(name) }) {
			r.figure(name, one.values[name])
		}
	}
	for name, text := range one.texts {
		if !slices.Contains(r.texts[name], text) {
			r.texts[name] = append(r.texts[name], text)
		}
	}
	return nil
}

func (r *Results) figure(name string, value float64) {
	if _, known := r.all[name]; !known {
		r.names = append(r.names, name)
	}
	r.all[name] = append(r.all[name], value)
}

func (r *Results) sorted() *Results {
	for values := range maps.Values(r.all) {
		slices.Sort(values)
	}
	for texts := range maps.Values(r.texts) {
		slices.Sort(texts)
	}
	return r
}

func (r *entry) has(name string) bool {
	_, ok := r.values[name]
	return ok
}

func readEntry(d *json.Decoder) (*entry, error) {
	opening, err := d.Token()
	if err != nil {
		return nil, err
	}
	if opening != json.Delim('{') {
		return nil, fmt.Errorf("%v where an object begins", opening)
	}
	r := &entry{values: make(map[string]float64), texts: make(map[string]string)}
	return r, cutOff(r.members(d, "", 1))
}

// cutOff tells an end within an object from one between two.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// members reads the members of an object that is open, and its end.
func (r *entry) members(d *json.Decoder, path string, depth int) error {
	if depth > maxResultDepth {
		return fmt.Errorf("more than %d objects within each other", maxResultDepth)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		name := path + key.(string) // a decoder refuses keys that are none
		value, err := d.Token()
		if err != nil {
			return err
		}
		if err := r.member(d, name, value, depth); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func (r *entry) member(d *json.Decoder, name string, value json.Token, depth int) error {
	switch v := value.(type) {
	case float64:
		r.names, r.values[name] = append(r.names, name), v
	case string:
		r.texts[name] = v
	case bool:
		r.texts[name] = fmt.Sprint(v)
	case json.Delim:
		switch {
		case v == '{':
			return r.members(d, name+".", depth+1)
		case name == "runs":
			return r.readRuns(d)
		}
		return skipList(d)
	}
	return nil
}

// readRuns reads a list that is open, and its end.
func (r *entry) readRuns(d *json.Decoder) error {
	for d.More() {
		run, err := readEntry(d)
		if err != nil {
			return err
		}
		r.runs = append(r.runs, run)
	}
	_, err := d.Token()
	return err
}

// skipList passes over a list that is open.
func skipList(d *json.Decoder) error {
	for open := 1; open > 0; {
		token, err := d.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('['), json.Delim('{'):
			open++
		case json.Delim(']'), json.Delim('}'):
			open--
		}
	}
	return nil
}

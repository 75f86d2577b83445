package loadgen

import (
	"reflect"
	"slices"
)

// medians returns the median of each figure of several runs, in a result of
// their kind: of numbers the middle one, of an even number of them the lower of
// the two, so that each was measured. Of a figure that some runs lack it is that
// of the others; a count by a name that is missing is 0. Lists are taken place by
// place, where they are of one length, and else from the first run, as is all
// that is no number; of truths it is whether any run has it, of texts the first that is not empty. There
// must be a run.
func medians[T any](runs []T) T {
	values := make([]reflect.Value, len(runs))
	for i := range runs {
		values[i] = reflect.ValueOf(&runs[i]).Elem()
	}
	var out T
	setMedian(reflect.ValueOf(&out).Elem(), values)
	return out
}

func setMedian(out reflect.Value, runs []reflect.Value) {
	switch out.Kind() {
	case reflect.Float64:
		out.SetFloat(middle(runs, reflect.Value.Float))
	case reflect.Int, reflect.Int64:
		out.SetInt(middle(runs, reflect.Value.Int))
	case reflect.Bool:
		out.SetBool(slices.ContainsFunc(runs, reflect.Value.Bool))
	case reflect.String:
		out.SetString(firstTold(runs))
	case reflect.Struct:
		for i := range out.NumField() {
			if out.Type().Field(i).IsExported() {
				setMedian(out.Field(i), each(runs, func(v reflect.Value) reflect.Value { return v.Field(i) }))
			}
		}
	case reflect.Pointer:
		setPointer(out, runs)
	case reflect.Map:
		setCounts(out, runs)
	case reflect.Slice:
		setPlaces(out, runs)
	default:
		out.Set(runs[0])
	}
}

func setPointer(out reflect.Value, runs []reflect.Value) {
	told := slices.DeleteFunc(slices.Clone(runs), reflect.Value.IsNil)
	if len(told) == 0 {
		return
	}
	out.Set(reflect.New(out.Type().Elem()))
	setMedian(out.Elem(), each(told, reflect.Value.Elem))
}

func setCounts(out reflect.Value, runs []reflect.Value) {
	out.Set(reflect.MakeMap(out.Type()))
	missing := reflect.Zero(out.Type().Elem())
	for _, run := range runs {
		for _, name := range run.MapKeys() {
			median := reflect.New(out.Type().Elem()).Elem()
			setMedian(median, each(runs, func(v reflect.Value) reflect.Value {
				if count := v.MapIndex(name); count.IsValid() {
					return count
				}
				return missing
			}))
			out.SetMapIndex(name, median)
		}
	}
}

func setPlaces(out reflect.Value, runs []reflect.Value) {
	n := runs[0].Len()
	if slices.ContainsFunc(runs, func(v reflect.Value) bool { return v.Len() != n }) {
		out.Set(runs[0])
		return
	}
	out.Set(reflect.MakeSlice(out.Type(), n, n))
	for i := range n {
		setMedian(out.Index(i), each(runs, func(v reflect.Value) reflect.Value { return v.Index(i) }))
	}
}

// firstTold is the first text that is not empty: an error of any run is told.
func firstTold(runs []reflect.Value) string {
	for _, run := range runs {
		if run.Len() > 0 {
			return run.String()
		}
	}
	return ""
}

func each(runs []reflect.Value, part func(reflect.Value) reflect.Value) []reflect.Value {
	out := make([]reflect.Value, len(runs))
	for i, v := range runs {
		out[i] = part(v)
	}
	return out
}

func middle[N int64 | float64](runs []reflect.Value, number func(reflect.Value) N) N {
	numbers := make([]N, len(runs))
	for i, v := range runs {
		numbers[i] = number(v)
	}
	slices.Sort(numbers)
	return numbers[(len(numbers)-1)/2]
}

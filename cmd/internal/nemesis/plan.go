//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// scenario is one fault, or several at once.
type scenario []fault

func (s scenario) String() string {
	var names []string
	for _, f := range s {
		names = append(names, f.name)
	}
	return strings.Join(names, "+")
}

// scenariosOf reads a list: names, pairs as kill+delay, and the words all and
// pairs.
func scenariosOf(text string) (list []scenario, err error) {
	for _, word := range strings.Split(text, ",") {
		switch word {
		case "all":
			for _, f := range faults {
				list = append(list, scenario{f})
			}
		case "pairs":
			list = append(list, pairs()...)
		default:
			var s scenario
			for _, name := range strings.Split(word, "+") {
				f, ok := faultOf(name)
				if !ok {
					return nil, fmt.Errorf("no scenario %q; there are all, pairs, and %s", name, scenario(faults))
				}
				s = append(s, f)
			}
			list = append(list, s)
		}
	}
	return list, nil
}

// pairs are all of two different faults.
func pairs() (list []scenario) {
	for i, a := range faults {
		for _, b := range faults[i+1:] {
			list = append(list, scenario{a, b})
		}
	}
	return list
}

// shuffle changes the order, as the seed says.
func shuffle(list []scenario, rnd *rand.Rand) {
	rnd.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// differences says what an update changed in a lease.
func differences(before, after *wire.Lease) string {
	changed := func(name, was, is string) string {
		if was == is {
			return ""
		}
		return name + " " + orNone(is) + " (was " + orNone(was) + ")"
	}
	return listed(
		changed("state", before.State, after.State),
		changed("address", hostPort(before.Address, before.Port), hostPort(after.Address, after.Port)),
		changed("tags", strings.Join(before.Tags, " "), strings.Join(after.Tags, " ")),
		changed("meta", metaText(before.Meta), metaText(after.Meta)),
	)
}

func metaText(meta map[string]string) string {
	pairs := make([]string, 0, len(meta))
	for _, key := range slices.Sorted(maps.Keys(meta)) {
		pairs = append(pairs, key+"="+meta[key])
	}
	return strings.Join(pairs, " ")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// listed puts commas between what is not empty.
func listed(parts ...string) string {
	return joined(", ", parts)
}

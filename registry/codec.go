package registry

import (
	"encoding/binary"
	"fmt"
)

// The versions of what travels and is kept. A decoder refuses the others.
const (
	entryVersion   = 1
	resultsVersion = 2 // beats in runs
)

// Append appends the encoded entry: a version byte, the stamp, and the
// commands, each with its length.
func (e *Entry) Append(dst []byte) []byte {
	dst = append(dst, entryVersion)
	dst = binary.AppendVarint(dst, e.Wall)
	dst = binary.AppendUvarint(dst, uint64(e.Advance))
	dst = appendString(dst, e.Proposer)
	return appendCommands(dst, e.Commands)
}

// DecodeEntry decodes an entry. Beats alias data; strings do not. The error is
// [ErrMalformed].
func DecodeEntry(data []byte) (Entry, error) { return decodeEntry(reader{data: data}) }

func decodeEntry(r reader) (Entry, error) {
	if r.byte() != entryVersion {
		return Entry{}, fmt.Errorf("decode entry: version: %w", ErrMalformed)
	}
	e := Entry{Wall: r.varint(), Advance: r.uvarint32(), Proposer: r.string()}
	e.Commands = r.commands()
	if err := r.err(); err != nil {
		return Entry{}, fmt.Errorf("decode entry: %w", err)
	}
	return e, nil
}

// DecodeReplayed is DecodeEntry for one at or below the index of a loaded state,
// which changes nothing but renewals: of other commands only their place is
// kept, as a nil.
func DecodeReplayed(data []byte) (Entry, error) {
	return decodeEntry(reader{data: data, replayed: true})
}

// AppendCommands appends commands as an Entry holds them, for the forwarding
// stream.
func AppendCommands(dst []byte, commands []Command) []byte {
	return appendCommands(append(dst, entryVersion), commands)
}

// DecodeCommands decodes what AppendCommands made. Beats alias data. The error
// is [ErrMalformed].
func DecodeCommands(data []byte) ([]Command, error) {
	r := reader{data: data}
	if r.byte() != entryVersion {
		return nil, fmt.Errorf("decode commands: version: %w", ErrMalformed)
	}
	commands := r.commands()
	if err := r.err(); err != nil {
		return nil, fmt.Errorf("decode commands: %w", err)
	}
	return commands, nil
}

// AppendResults appends results, for the forwarding stream.
func AppendResults(dst []byte, results []Result) []byte {
	dst = append(dst, resultsVersion)
	dst = binary.AppendUvarint(dst, uint64(len(results)))
	for i := range results {
		dst = appendResult(dst, &results[i])
	}
	return dst
}

// DecodeResults decodes what AppendResults made. The error is [ErrMalformed].
func DecodeResults(data []byte) ([]Result, error) {
	r := reader{data: data}
	if r.byte() != resultsVersion {
		return nil, fmt.Errorf("decode results: version: %w", ErrMalformed)
	}
	var results []Result
	for n := r.count(resultSizeMin); n > 0 && !r.bad; n-- {
		results = append(results, r.result())
	}
	if err := r.err(); err != nil {
		return nil, fmt.Errorf("decode results: %w", err)
	}
	return results, nil
}

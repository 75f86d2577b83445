package registry

// Append appends the encoded entry: a version byte, the stamp, and the
// commands, each with its length.
func (e *Entry) Append(dst []byte) []byte { panic("skeleton") }

// DecodeEntry decodes an entry. Beats alias data.
func DecodeEntry(data []byte) (Entry, error) { panic("skeleton") }

// AppendCommands appends commands as an Entry holds them, for the forwarding
// stream.
func AppendCommands(dst []byte, commands []Command) []byte { panic("skeleton") }

// DecodeCommands decodes what AppendCommands made.
func DecodeCommands(data []byte) ([]Command, error) { panic("skeleton") }

// AppendResults appends results, for the forwarding stream.
func AppendResults(dst []byte, results []Result) []byte { panic("skeleton") }

// DecodeResults decodes what AppendResults made.
func DecodeResults(data []byte) ([]Result, error) { panic("skeleton") }

package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// A setting is a flag, an environment variable and a YAML key of one name. The
// flags are the only list of them: what was not given on the command line is
// taken from the environment, else from the file. Words are joined by hyphens
// in flags, by underscores in variables, by either in the file.

// environmentKey is the variable of a flag: data-dir is ROLLCALL_DATA_DIR.
func environmentKey(flag string) string {
	return "ROLLCALL_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// settle completes the flags from the environment and from a file ("" for
// none). Every mistake is in the error, with its place.
func settle(flags *pflag.FlagSet, file string) error {
	values, err := readSettings(flags, file)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	var mistakes []error
	flags.VisitAll(func(f *pflag.Flag) {
		if !f.Changed && isSetting(f.Name) {
			mistakes = append(mistakes, settleOne(flags, f, values))
		}
	})
	if err := errors.Join(mistakes...); err != nil {
		return &exitError{exitUsage, err}
	}
	return nil
}

// settleFromEnvironment completes the named flags only.
func settleFromEnvironment(flags *pflag.FlagSet, names ...string) error {
	var mistakes []error
	for _, name := range names {
		if f := flags.Lookup(name); f != nil && !f.Changed {
			mistakes = append(mistakes, settleOne(flags, f, nil))
		}
	}
	if err := errors.Join(mistakes...); err != nil {
		return &exitError{exitUsage, err}
	}
	return nil
}

func isSetting(flag string) bool { return flag != "config" && flag != "help" }

// settleOne takes one flag's value from the environment, else from the file. An
// empty variable is as good as none.
func settleOne(flags *pflag.FlagSet, f *pflag.Flag, file map[string]fileValue) error {
	key := environmentKey(f.Name)
	if value := os.Getenv(key); value != "" {
		if err := flags.Set(f.Name, value); err != nil {
			return fmt.Errorf("environment variable %s: %w", key, err)
		}
		return nil
	}
	if value, ok := file[f.Name]; ok {
		if err := flags.Set(f.Name, value.text); err != nil {
			return fmt.Errorf("%s: %w", value.place, err)
		}
	}
	return nil
}

// flagOf is the flag of a key in the file: data_dir is data-dir.
func flagOf(key string) string { return strings.ReplaceAll(key, "_", "-") }

// fileValue is a value of the configuration file, as a flag would be given, and
// where it stands.
type fileValue struct{ text, place string }

func readSettings(flags *pflag.FlagSet, file string) (map[string]fileValue, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("read configuration %s: %w", file, err)
	}
	if len(document.Content) == 0 { // empty, or comments only
		return nil, nil
	}
	return readMapping(flags, file, document.Content[0])
}

func readMapping(flags *pflag.FlagSet, file string, mapping *yaml.Node) (map[string]fileValue, error) {
	if mapping.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: want lines of key: value", file, mapping.Line)
	}
	values := make(map[string]fileValue)
	var mistakes []error
	for pair := range slices.Chunk(mapping.Content, 2) {
		key, place := pair[0].Value, fmt.Sprintf("%s:%d", file, pair[0].Line)
		name := flagOf(key)
		f := flags.Lookup(name)
		text, ok := settingText(f, pair[1])
		_, twice := values[name]
		switch {
		case !isSetting(name) || f == nil:
			mistakes = append(mistakes, fmt.Errorf("%s: unknown key %q", place, key))
		case twice:
			mistakes = append(mistakes, fmt.Errorf("%s: key %q stands twice", place, key))
		case !ok:
			mistakes = append(mistakes, fmt.Errorf("%s: %s: want %s", place, key, wanted(f)))
		default:
			values[name] = fileValue{text, place}
		}
	}
	return values, errors.Join(mistakes...)
}

// settingText returns the value of a key as its flag would be given.
func settingText(f *pflag.Flag, n *yaml.Node) (string, bool) {
	if f != nil && f.Value.Type() == ruleKind && n.Kind != yaml.ScalarNode {
		return rulesText(n)
	}
	return scalarText(n)
}

func wanted(f *pflag.Flag) string {
	if f.Value.Type() == ruleKind {
		return "a list of rules, each lines of key: value"
	}
	return "a value or a list of values"
}

// scalarText returns a scalar, or a list of scalars with commas.
func scalarText(n *yaml.Node) (string, bool) {
	switch n.Kind {
	case yaml.ScalarNode:
		return n.Value, n.Tag != "!!null"
	case yaml.SequenceNode:
		var parts []string
		for _, item := range n.Content {
			if item.Kind != yaml.ScalarNode {
				return "", false
			}
			parts = append(parts, item.Value)
		}
		return strings.Join(parts, ","), true
	default:
		return "", false
	}
}

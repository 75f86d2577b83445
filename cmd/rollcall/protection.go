package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/seed-b4c92e43/rollcall/cmd/internal/node"
)

// ruleList is a flag of rules of protection: each its words with commas
// between, semicolons between rules, and the flag may be repeated. The node
// checks the values and knows their defaults.
type ruleList struct{ rules *[]node.Protection }

var _ pflag.Value = ruleList{}

// ruleKind is the type of flag that ruleList is: in the file it is a list of
// mappings.
const ruleKind = "rules"

func (ruleList) Type() string { return ruleKind }

// String is empty, as the default is.
func (ruleList) String() string { return "" }

// Set adds the rules of a text.
func (l ruleList) Set(text string) error {
	for rule := range strings.SplitSeq(text, ";") {
		p, err := parseRule(rule)
		if err != nil {
			return fmt.Errorf("rule %q: %w", strings.TrimSpace(rule), err)
		}
		*l.rules = append(*l.rules, p)
	}
	return nil
}

func parseRule(text string) (p node.Protection, err error) {
	for word := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(word), "=")
		if !ok {
			return p, fmt.Errorf("%q: want key=value", word)
		}
		if err := setRule(&p, strings.ReplaceAll(key, "-", "_"), value); err != nil {
			return p, fmt.Errorf("%s: %w", key, err)
		}
	}
	return p, nil
}

var errUnknownKey = errors.New("want one of namespace, service, threshold, min_population, max_hold, window, rate")

func setRule(p *node.Protection, key, value string) (err error) {
	switch key {
	case "namespace", "ns":
		p.NS = value
	case "service":
		p.Service = value
	case "threshold":
		p.Threshold, err = strconv.ParseFloat(value, 64)
	case "min_population", "min":
		p.MinPopulation, err = strconv.Atoi(value)
	case "max_hold":
		p.MaxHold, err = time.ParseDuration(value)
	case "window":
		p.Window, err = time.ParseDuration(value)
	case "rate":
		p.Rate, err = strconv.ParseFloat(value, 64)
	default:
		err = errUnknownKey
	}
	return err
}

// rulesText returns a list of mappings as ruleList reads it.
func rulesText(list *yaml.Node) (string, bool) {
	if list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
		return "", false
	}
	var rules []string
	for _, item := range list.Content {
		rule, ok := ruleText(item)
		if !ok {
			return "", false
		}
		rules = append(rules, rule)
	}
	return strings.Join(rules, ";"), true
}

func ruleText(item *yaml.Node) (string, bool) {
	if item.Kind != yaml.MappingNode {
		return "", false
	}
	var words []string
	for i := 0; i+1 < len(item.Content); i += 2 {
		key, value := item.Content[i], item.Content[i+1]
		if value.Kind != yaml.ScalarNode {
			return "", false
		}
		words = append(words, key.Value+"="+value.Value)
	}
	return strings.Join(words, ","), true
}

package node

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// Protection is one rule of protection.
type Protection = registry.Protection

// maxRules bounds the rules of protection: the judge looks at all of them for
// every due lease of a protected namespace.
const maxRules = 100

// withRuleDefaults returns rules with the defaults in place: the default
// namespace, a population of 10, holds of at most 2 min, a window of 1 min.
func withRuleDefaults(rules []registry.Protection) []registry.Protection {
	rules = slices.Clone(rules)
	for i := range rules {
		p := &rules[i]
		orString(&p.NS, wire.DefaultNS)
		orNumber(&p.MinPopulation, 10)
		orNumber(&p.MaxHold, 2*time.Minute)
		orNumber(&p.Window, time.Minute)
	}
	return rules
}

var scopeName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func checkProtection(rules []registry.Protection) error {
	mistakes := []error{check(len(rules) <= maxRules, "protection: %d rules; want at most %d", len(rules), maxRules)}
	type scope struct{ ns, service string }
	seen := make(map[scope]bool)
	for i := range rules {
		p := &rules[i]
		at := scope{p.NS, p.Service}
		mistakes = append(mistakes, checkRule(p), check(!seen[at], "%s: there is another rule of the same", ruleOf(p)))
		seen[at] = true
	}
	return errors.Join(mistakes...)
}

func checkRule(p *registry.Protection) error {
	name := ruleOf(p)
	return errors.Join(
		check(scopeName.MatchString(p.NS), "%s: namespace: want [A-Za-z0-9._-]{1,64}", name),
		check(p.Service == "" || scopeName.MatchString(p.Service), "%s: service: want [A-Za-z0-9._-]{1,64}", name),
		check(p.Threshold > 0 && p.Threshold < 1, "%s: threshold %v: want a fraction between 0 and 1, such as 0.3", name, p.Threshold),
		check(p.MinPopulation >= 2, "%s: min_population %d: want at least 2", name, p.MinPopulation),
		check(p.MaxHold >= time.Second && p.MaxHold <= 24*time.Hour, "%s: max_hold %v: want 1s to 24h", name, p.MaxHold),
		check(p.Window >= time.Second && p.Window <= time.Hour, "%s: window %v: want 1s to 1h", name, p.Window),
		check(p.Rate >= 0 && p.Rate <= 100_000 && !math.IsNaN(p.Rate), "%s: rate %v: want 0 to 100,000 leases a second", name, p.Rate),
	)
}

// ruleOf names a rule.
func ruleOf(p *registry.Protection) string {
	if p.Service == "" {
		return fmt.Sprintf("protection of namespace %q", p.NS)
	}
	return fmt.Sprintf("protection of service %q in namespace %q", p.Service, p.NS)
}

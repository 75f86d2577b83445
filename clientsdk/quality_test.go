package clientsdk

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestMeterSums(t *testing.T) {
	m := newMeter(DefaultWarning, DefaultCritical)
	for i := range 20 {
		m.add(time.Duration(i+1)*time.Millisecond, false)
	}
	for range 5 {
		m.add(time.Hour, true) // how long a failure took does not count
	}
	q := m.quality()
	if q.Samples != 25 || q.Failures != 5 || q.Consecutive != 5 || q.Loss != 0.2 {
		t.Errorf("counts: %+v", q)
	}
	if q.Mean != 10500*time.Microsecond || q.P95 != 19*time.Millisecond {
		t.Errorf("mean %v, want 10.5ms; p95 %v, want the 19th of 20", q.Mean, q.P95)
	}
	m.add(time.Millisecond, false)
	if q = m.quality(); q.Consecutive != 0 {
		t.Errorf("a success leaves %d consecutive failures", q.Consecutive)
	}
}

func TestMeterForgets(t *testing.T) {
	m := newMeter(DefaultWarning, DefaultCritical)
	for range window {
		m.add(0, true)
	}
	for range window {
		m.add(time.Millisecond, false)
	}
	if q := m.quality(); q.Failures != 0 || q.Samples != window || q.P95 != time.Millisecond {
		t.Errorf("%+v", q)
	}
}

func TestJitterIsThatOfRFC3550(t *testing.T) {
	m := newMeter(DefaultWarning, DefaultCritical)
	rtts := []float64{10, 14, 6, 6, 20}
	want := 0.0
	for i, rtt := range rtts {
		m.add(time.Duration(rtt)*time.Millisecond, false)
		if i > 0 {
			want += (math.Abs(rtt-rtts[i-1]) - want) / 16
		}
	}
	if got := float64(m.quality().Jitter) / float64(time.Millisecond); math.Abs(got-want) > 1e-5 {
		t.Errorf("jitter %v ms, want %v ms", got, want)
	}
}

func TestThresholds(t *testing.T) {
	sample := func(p95 time.Duration, failures, consecutive int) Quality {
		return Quality{Samples: window, Failures: failures, Consecutive: consecutive, P95: p95}
	}
	cases := []struct {
		name string
		q    Quality
		last Level
		want Level
	}{
		{"all well", sample(time.Millisecond, 0, 0), Good, Good},
		{"p95 just below", sample(200*time.Millisecond-1, 0, 0), Good, Good},
		{"p95 warns", sample(200*time.Millisecond, 0, 0), Good, Warning},
		{"p95 is critical", sample(500*time.Millisecond, 0, 0), Good, Critical},
		{"one loss in a hundred", sample(0, 1, 1), Good, Good},
		{"2 % warn", sample(0, 2, 0), Good, Warning},
		{"5 % are critical", sample(0, 5, 0), Good, Critical},
		{"two in a row", sample(0, 1, 2), Good, Good},
		{"three in a row warn", sample(0, 1, 3), Good, Warning},
		{"five in a row are critical", sample(0, 1, 5), Good, Critical},
		{"p95 holds the warning at 80 %", sample(160*time.Millisecond, 0, 0), Warning, Warning},
		{"and lets it go below", sample(160*time.Millisecond-1, 0, 0), Warning, Good},
		{"critical holds at 80 %", sample(400*time.Millisecond, 0, 0), Critical, Critical},
		{"then warns", sample(399*time.Millisecond, 0, 0), Critical, Warning},
		{"loss holds", sample(0, 4, 0), Critical, Critical},
		{"loss goes down a step", sample(0, 3, 0), Critical, Warning},
		{"a slow handshake is not yet a p95", Quality{Samples: 19, P95: time.Second}, Good, Good},
		{"twenty are", Quality{Samples: 20, P95: time.Second}, Good, Critical},
	}
	for _, c := range cases {
		if got := grade(c.q, c.last, DefaultWarning, DefaultCritical); got != c.want {
			t.Errorf("%s: %v after %v, want %v", c.name, got, c.last, c.want)
		}
	}
}

func TestOnQualityIsCalledAtTheEdges(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		heard := new(journal[Quality])
		l := b.register(t, func(r *Registration) { r.OnQuality = heard.add })
		pass(10 * time.Minute)
		if len(heard.all()) != 0 {
			t.Fatalf("all well, and %v", heard.all())
		}
		b.all(func(n *modelNode) { n.delay = 300 * time.Millisecond })
		pass(10 * time.Minute)
		b.all(func(n *modelNode) { n.delay = 600 * time.Millisecond })
		pass(10 * time.Minute)
		b.all(func(n *modelNode) { n.delay = time.Millisecond })
		pass(10 * time.Minute)
		levels := make([]Level, 0, 4)
		for _, q := range heard.all() {
			levels = append(levels, q.Level)
		}
		if !slices.Equal(levels, []Level{Warning, Critical, Good}) {
			t.Errorf("levels %v, want warning, critical, good, each once", levels)
		}
		if q := l.Quality(); q.Mean != time.Millisecond || q.P95 != time.Millisecond || q.Level != Good {
			t.Errorf("in the end %+v", q)
		}
	})
}

func TestOnQualityHearsOfFailuresInARow(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		heard := new(journal[Quality])
		l := b.register(t, func(r *Registration) { r.OnQuality = heard.add })
		pass(10 * time.Minute)
		b.all(func(n *modelNode) { n.down = true })
		pass(testTTL)
		got := heard.all()
		if len(got) != 2 || got[0].Level != Warning || got[1].Level != Critical {
			t.Fatalf("heard %+v", got)
		}
		if got[0].Failures != 2 && got[0].Consecutive != 3 || got[1].Consecutive != 5 {
			t.Errorf("at the edges %+v", got)
		}
		if client := b.client.Quality(); client.Consecutive < 5 || client.Level != Critical || l.Quality().Level != Critical {
			t.Errorf("the client's own: %+v", client)
		}
	})
}

func TestRoundTripGoesWithTheNextHeartbeat(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.all(func(n *modelNode) { n.delay = 40 * time.Millisecond })
		b.register(t, nil)
		pass(time.Minute)
		got := b.lease("web-1").rtt
		if len(got) < 10 || len(got) > len(b.record("POST"))-1 {
			t.Fatalf("%d round trips told", len(got))
		}
		for _, rtt := range got {
			if rtt != 40 {
				t.Errorf("told %v ms, want 40", rtt)
			}
		}
	})
}

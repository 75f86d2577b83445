package registry

import "pgregory.net/rapid"

var (
	someNS      = rapid.SampledFrom([]string{"a", "b"})
	someID      = rapid.SampledFrom([]string{"x", "y", "z", "zz"})
	someService = rapid.SampledFrom([]string{"", "web", "db"})
	someKey     = rapid.SampledFrom([]string{"", "", "k1", "k2"})
	someTags    = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"t1", "t2", "t3"}), 0, 3, rapid.ID[string])
	someSpec    = rapid.Custom(drawSpec)
)

func drawSpec(t *rapid.T) Spec {
	return Spec{
		Service: someService.Draw(t, "service"),
		Address: rapid.SampledFrom([]string{"", "10.0.0.1"}).Draw(t, "address"),
		Port:    rapid.Uint16Max(3).Draw(t, "port"),
		Tags:    list(someTags.Draw(t, "tags")),
		Meta:    drawMeta(t),
	}
}

func drawMeta(t *rapid.T) []Pair {
	var meta []Pair
	for _, k := range []string{"rack", "zone"} {
		if v := rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, k); v != "" {
			meta = append(meta, Pair{k, v})
		}
	}
	return meta
}

// list makes an empty slice nil, as the codec does.
func list[T any](l []T) []T {
	if len(l) == 0 {
		return nil
	}
	return l
}

// drawEpoch mostly draws one that was given, sometimes one that was not.
func drawEpoch(t *rapid.T, revision uint64) uint64 {
	return rapid.Uint64Range(0, revision+1).Draw(t, "epoch")
}

func drawSeq(t *rapid.T) uint64 {
	return rapid.OneOf(rapid.Uint64Range(0, 6), rapid.Uint64Range(MaxJump-2, MaxJump+8)).Draw(t, "seq")
}

func drawCommand(t *rapid.T, revision uint64) Command {
	ns, id := someNS.Draw(t, "ns"), someID.Draw(t, "id")
	switch rapid.IntRange(0, 15).Draw(t, "command") {
	case 0, 1, 2, 3:
		return &Grant{
			NS: ns, ID: id, Spec: someSpec.Draw(t, "spec"), TTL: rapid.Uint32Range(500, 3000).Draw(t, "ttl"),
			IfAbsent: rapid.Bool().Draw(t, "if absent"), Key: someKey.Draw(t, "key"),
		}
	case 4, 5, 6:
		var beats Beats
		for range rapid.IntRange(0, 4).Draw(t, "beats") {
			beats = beats.Append(drawEpoch(t, revision), drawSeq(t))
		}
		return &Renew{NS: rapid.SampledFrom([]string{"", "a"}).Draw(t, "only"), Beats: beats}
	case 7:
		return &RenewNamed{ns, id, drawEpoch(t, revision), drawSeq(t)}
	case 8:
		return drawPatch(t, ns, id, revision)
	case 9:
		return &Leave{ns, id, drawEpoch(t, revision)}
	case 10:
		return &Evict{ns, id}
	case 11:
		return drawExpire(t, revision)
	case 12, 13:
		return drawHold(t, revision)
	case 14:
		return &Release{NS: ns, Service: someService.Draw(t, "released service")}
	}
	return &Serve{
		Term: rapid.Uint64Range(1, 2).Draw(t, "term"), ClusterID: rapid.SampledFrom([]string{"c", "c", "d"}).Draw(t, "cluster"),
		Retention: drawRetention(t),
	}
}

func drawRetention(t *rapid.T) Retention {
	r := drawEventRetention(t)
	r.CertificateMS = rapid.SampledFrom([]uint64{0, 20_000, 5000}).Draw(t, "age")
	r.CertificateMax = rapid.Uint32Range(0, 6).Draw(t, "number")
	r.Mail = drawMailLimits(t)
	return r
}

func drawEventRetention(t *rapid.T) Retention {
	return Retention{
		EventMS:    rapid.SampledFrom([]uint64{0, 0, 20_000, 5000}).Draw(t, "age of events"),
		EventMax:   rapid.Uint32Range(0, 6).Draw(t, "number of events"),
		EventBytes: rapid.SampledFrom([]uint64{0, 0, 1000, 300}).Draw(t, "bytes of events"),
	}
}

func drawPatch(t *rapid.T, ns, id string, revision uint64) Command {
	c := &Patch{NS: ns, ID: id, Epoch: drawEpoch(t, revision)}
	spec := someSpec.Draw(t, "spec")
	if rapid.Bool().Draw(t, "names state") {
		c.State = new(rapid.SampledFrom([]LeaseState{Alive, Draining}).Draw(t, "state"))
	}
	if rapid.Bool().Draw(t, "names address") {
		c.Address = &spec.Address
	}
	if rapid.Bool().Draw(t, "names port") {
		c.Port = &spec.Port
	}
	if rapid.Bool().Draw(t, "names tags") {
		c.Tags = &spec.Tags
	}
	if rapid.Bool().Draw(t, "names meta") {
		c.Meta = &spec.Meta
	}
	return c
}

func drawExpire(t *rapid.T, revision uint64) Command {
	return &Expire{Term: rapid.Uint64Range(1, 2).Draw(t, "term"), StallMS: 7, Burials: drawBurials(t, revision)}
}

func drawBurials(t *rapid.T, revision uint64) (burials []Burial) {
	for range rapid.IntRange(0, 3).Draw(t, "burials") {
		burials = append(burials, Burial{drawEpoch(t, revision), rapid.Uint64Range(0, 3).Draw(t, "seq"), 1100, 100})
	}
	return burials
}

func drawHold(t *rapid.T, revision uint64) Command {
	return &Hold{
		Term: rapid.SampledFrom([]uint64{1, 1, 1, 2}).Draw(t, "term"), NS: someNS.Draw(t, "held ns"), Service: someService.Draw(t, "held service"),
		Reason: rapid.SampledFrom([]string{"", "2 of 3"}).Draw(t, "reason"), MaxMS: rapid.Uint64Range(0, 5000).Draw(t, "max"),
		RestMS: rapid.Uint64Range(0, 5000).Draw(t, "rest"), Burials: drawBurials(t, revision),
	}
}

func drawEntry(t *rapid.T, revision uint64) Entry {
	e := Entry{Wall: rapid.Int64Range(-5, 100_000).Draw(t, "wall"), Advance: rapid.Uint32Range(0, 3000).Draw(t, "advance"), Proposer: "n1"}
	for range rapid.IntRange(0, 3).Draw(t, "commands") {
		if rapid.Bool().Draw(t, "of mail") {
			e.Commands = append(e.Commands, drawMailCommand(t, rapid.SampledFrom([]uint64{0, 0, revision}).Draw(t, "mail epoch")))
			continue
		}
		e.Commands = append(e.Commands, drawCommand(t, revision))
	}
	return e
}

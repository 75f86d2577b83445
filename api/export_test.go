package api

// Plain returns the configuration of a server without loops.
func Plain(c Config) Config {
	c.plain = true
	return c
}

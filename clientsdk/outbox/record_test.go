package outbox

import (
	"encoding/binary"
	"hash/crc32"
	"reflect"
	"testing"
)

// FuzzRecord reads records of the file, with a checksum that fits.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"to":"a","payload":{"id":"x","body_b64":"AA=="},"time_ms":1,"tries":2,"error":"e"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		sealed := append(binary.BigEndian.AppendUint32(nil, crc32.Checksum(text, castagnoli)), text...)
		r, err := decode(sealed)
		if err != nil {
			return
		}
		_ = r.entry()
		b, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := decode(b); err != nil || !reflect.DeepEqual(again.entry(), r.entry()) {
			t.Errorf("%s becomes %+v (%v)", text, again, err)
		}
	})
}

package wire

// TypeBackup is the media type of a backup.
const TypeBackup = "application/vnd.rollcall.backup"

// MaxBackup bounds a backup that is restored, in bytes.
const MaxBackup = 16 << 30

// Paths of backups.
const (
	PathSnapshot = "/v1/cluster/snapshot"
	PathRestore  = "/v1/cluster/restore"
)

// Backup says what a backup is of.
type Backup struct {
	ClusterID string `json:"cluster_id"`
	Node      string `json:"node"`    // that made it
	MadeAt    Time   `json:"made_at"` // on its clock
	Revision  uint64 `json:"revision"`
	Leases    uint64 `json:"leases"`   // that live
	Messages  uint64 `json:"messages"` // that wait, and dead letters
	Bytes     int64  `json:"bytes"`
}

// Restored is the answer to POST /v1/cluster/restore.
type Restored struct {
	ClusterID string `json:"cluster_id"` // whose state it is now
	Revision  uint64 `json:"revision"`   // at which it goes on
	Backup    Backup `json:"backup"`
}

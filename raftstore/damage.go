package raftstore

import (
	"errors"
	"fmt"
	"path/filepath"
)

// ErrInUse is returned by OpenDir when another process holds the directory.
var ErrInUse = errors.New("data directory is in use by another process")

// DamageError is returned by OpenDir and Open when a file of the data
// directory cannot be trusted. The file is left as it was found.
type DamageError struct {
	Path    string // of the file
	Problem string
	Remedy  string
	Err     error // the cause, may be nil
}

func (e *DamageError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v; %s", e.Path, e.Problem, e.Err, e.Remedy)
	}
	return fmt.Sprintf("%s: %s; %s", e.Path, e.Problem, e.Remedy)
}

func (e *DamageError) Unwrap() error { return e.Err }

// remedyRejoin is what helps against every loss of one node's disk.
const remedyRejoin = "put the file back as it was, or move the whole data directory away and start with an empty one: " +
	"the node then joins the cluster as new and gets everything from the others (a cluster of one needs its backup)"

// damaged builds the usual refusal.
func damaged(path, problem string, cause error) error {
	return &DamageError{Path: path, Problem: problem, Remedy: remedyRejoin, Err: cause}
}

// inFile names the file in a damage found without knowing its path.
func inFile(dir, name string, err error) error {
	if d, ok := errors.AsType[*DamageError](err); ok && d.Path != "" {
		return err
	}
	return damaged(filepath.Join(dir, name), "damaged", err)
}

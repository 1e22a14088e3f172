package embedpg

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// fillData fills the data folder, if possible with a copy of what initdb made before.
//
// The cache lies in memory (shm), so that no power failure can leave half of an
// entry. It belongs to the user of this process and is closed to all others; the
// user whom a root process runs the server as cannot write it either. Entries appear by renaming.
func (p *programs) fillData(ctx context.Context, f *folder) error {
	entry := p.cacheEntry(f)
	if entry == "" {
		return p.initdb(ctx, f)
	}
	if _, err := os.Lstat(entry); err == nil {
		if err := copyTree(f.data(), entry, p.id); err == nil {
			return nil
		}
		if err := f.emptyData(p.id); err != nil { // the entry was deleted meanwhile
			return err
		}
	}
	if err := p.initdb(ctx, f); err != nil {
		return err
	}
	fresh := filepath.Join(f.path, "cache")
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return err
	}
	if err := copyTree(fresh, f.data(), nil); err == nil {
		_ = os.Rename(fresh, entry) // another process may have been faster
	}
	return os.RemoveAll(fresh)
}

// cacheEntry is where the copy for these programs is, or is to be; empty for no cache.
func (p *programs) cacheEntry(f *folder) string {
	if shm == "" || !strings.HasPrefix(f.path, shm+"/") {
		return ""
	}
	dir := filepath.Join(shm, fmt.Sprintf("stratum-pg-cache-%d", os.Geteuid()))
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return ""
	}
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || !isOurs(info) || info.Mode().Perm() != 0o700 {
		return "" // somebody else made it
	}
	key := sha256.New()
	for _, program := range []string{"initdb", "postgres"} {
		info, err := os.Stat(filepath.Join(p.dir, program))
		if err != nil {
			return ""
		}
		fmt.Fprintln(key, p.dir, info.Size(), info.ModTime().UnixNano())
	}
	fmt.Fprintln(key, p.initdbFlags())
	return filepath.Join(dir, hex.EncodeToString(key.Sum(nil)[:12]))
}

// copyTree copies what is in the folder src into the folder dst, which exists, and gives it to
// id. It follows no link out of either, and refuses anything but files and folders.
func copyTree(dst, src string, id *identity) error {
	from, err := os.OpenRoot(src)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenRoot(dst)
	if err != nil {
		return err
	}
	defer to.Close()
	return fs.WalkDir(from.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
			return nil
		case entry.IsDir():
			err = to.Mkdir(name, 0o700)
		case entry.Type().IsRegular():
			err = copyFile(to, from, name)
		default:
			err = fmt.Errorf("%s is neither a file nor a folder", path.Join(src, name))
		}
		if err == nil && id != nil {
			err = to.Lchown(name, id.uid, id.gid)
		}
		return err
	})
}

func copyFile(to, from *os.Root, name string) error {
	r, err := from.Open(name)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := to.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Close())
}

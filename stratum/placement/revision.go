package placement

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
)

// Revision names what [Provisioner.Make] makes: places of one revision have the same tables
// and rights, so that one which was made ahead of time can stand for one that would be made
// now. It is a digest of the names and contents of the SQL files in Config.Migrations, of
// Config.Revision, and of what the Config says of templates and of who is given rights.
func (p *Provisioner) Revision() string { return p.revision }

func (p *Provisioner) digest(revision string) (string, error) {
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %q %t %q %q\n", revision, p.app, p.noRoles, p.templateSchema, p.templateDatabase)
	if p.migrations != nil {
		names, err := fs.Glob(p.migrations, "*.sql") // in the order of names
		if err != nil {
			return "", err
		}
		for _, name := range names {
			content, err := fs.ReadFile(p.migrations, name)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(sum, "%q %q\n", name, content)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

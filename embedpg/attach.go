package embedpg

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Attach uses a running server instead of starting one. The URL is that of a
// superuser. The roles are made there, see [CreateRoles]; they are visible in
// every database of that server, so do not point it at one that holds anything dear.
//
// The roles' passwords are derived from the superuser's (HMAC), so that
// several processes can use one server at the same time. A superuser without a password leaves the
// roles without one too: then the server must trust them.
func Attach(ctx context.Context, superuserURL string) (*Server, error) {
	s, err := attach(ctx, superuserURL)
	if err != nil {
		return nil, fmt.Errorf("embedpg: attaching to a server: %w", err)
	}
	return s, nil
}

func attach(ctx context.Context, superuserURL string) (*Server, error) {
	admin, err := pgx.ParseConfig(superuserURL)
	if err != nil {
		return nil, err // holds no password
	}
	params, err := parameters(superuserURL)
	if err != nil {
		return nil, err
	}
	s := &Server{
		admins:   admins{config: admin},
		super:    admin.User,
		database: admin.Database,
		empty:    "template0",
		address:  address{port: int(admin.Port), params: params},
	}
	if strings.HasPrefix(admin.Host, "/") {
		s.address.socketDir = admin.Host
	} else {
		s.address.host = admin.Host
	}
	if admin.Password != "" {
		s.passwords = derivedPasswords(admin.Password)
	}
	if err := s.admins.lend(ctx, func(conn *pgx.Conn) error { return s.adopt(ctx, conn) }); err != nil {
		return nil, err
	}
	if admin.Password != "" { // known to URL, but not to be set
		s.passwords[Superuser] = admin.Password
	}
	return s, nil
}

// parameters are those of the URL that say nothing about who, where and which database.
func parameters(superuserURL string) (url.Values, error) {
	u, err := url.Parse(superuserURL)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return nil, errors.New("this is no postgres:// URL") // and may hold a password
	}
	query := u.Query()
	for _, name := range []string{"host", "port", "user", "password", "dbname", "database"} {
		query.Del(name)
	}
	return query, nil
}

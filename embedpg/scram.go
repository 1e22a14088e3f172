package embedpg

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
)

// iterations is PostgreSQL's own default.
const iterations = 4096

// scramVerifier is what PostgreSQL stores of a password (RFC 5803), so that the
// password itself never travels inside a statement that could be logged.
func scramVerifier(password string) (string, error) {
	if password == "" {
		return "", errors.New("is empty")
	}
	for _, c := range []byte(password) {
		if c < 0x20 || c > 0x7e { // elsewhere SASLprep (RFC 4013) would change it
			return "", errors.New("is not printable ASCII")
		}
	}
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return "", err
	}
	stored := sha256.Sum256(mac(salted, "Client Key"))
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s",
		iterations, b64(salt), b64(stored[:]), b64(mac(salted, "Server Key"))), nil
}

func mac(key []byte, message string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(message))
	return h.Sum(nil)
}

// randomPasswords makes up a password for every role, the superuser included.
func randomPasswords() map[string]string {
	m := map[string]string{Superuser: rand.Text()}
	for _, role := range roles() {
		m[role] = rand.Text()
	}
	return m
}

// derivedPasswords makes passwords of a secret, so that processes that share a
// server agree on them without talking to each other.
func derivedPasswords(secret string) map[string]string {
	m := make(map[string]string)
	for _, role := range roles() {
		m[role] = hex.EncodeToString(mac([]byte(secret), "stratum embedpg role "+role)[:16])
	}
	return m
}

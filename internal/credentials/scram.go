package credentials

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// iterations are PostgreSQL's own default: the passwords have 256 random bits, so more would protect nothing.
const iterations = 4096

// Verifier gives what PostgreSQL stores of a password for SCRAM-SHA-256 (RFC 5803): it lets nobody log in, so it may stand where
// a password must not. The password must be ASCII, which needs no normalisation.
func Verifier(password string) string {
	salt := make([]byte, 16)
	rand.Read(salt)
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		panic(fmt.Sprintf("deriving a key: %v", err)) // only for key lengths that no hash has
	}
	mac := func(text string) []byte {
		h := hmac.New(sha256.New, salted)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	stored := sha256.Sum256(mac("Client Key"))
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", iterations, encode(salt), encode(stored[:]), encode(mac("Server Key")))
}

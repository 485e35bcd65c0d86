package audit

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// headMessage marks the lines that hold heads among all others of a log.
const headMessage = "audit head"

const timeForm = "2006-01-02T15:04:05.000000Z07:00"

// Head is what leaves the database of a batch: whoever holds it can tell whether the trail up to there is still the same.
type Head struct {
	ODSCode  string
	Batch    int64
	LastID   int64
	Hash     Hash
	SealedAt time.Time
	// KeyID and Signature are empty when no key is configured.
	KeyID     string
	Signature []byte
}

// HeadOf makes the head of a batch, signed when there is a key.
func HeadOf(odsCode string, b Batch, key ed25519.PrivateKey) Head {
	h := Head{ODSCode: odsCode, Batch: b.Number, LastID: b.LastID, Hash: b.Hash, SealedAt: b.SealedAt}
	if key != nil {
		h.KeyID = keyID(key.Public().(ed25519.PublicKey))
		h.Signature = ed25519.Sign(key, h.signed())
	}
	return h
}

// SignedBy tells whether the holder of the key signed the head.
func (h Head) SignedBy(key ed25519.PublicKey) bool {
	return len(h.Signature) == ed25519.SignatureSize && ed25519.Verify(key, h.signed(), h.Signature)
}

func (h Head) signed() []byte {
	return fmt.Appendf(nil, "cmhf audit head\n%s\n%d\n%d\n%x\n%s\n", h.ODSCode, h.Batch, h.LastID, h.Hash, h.SealedAt.UTC().Format(timeForm))
}

func keyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:8])
}

// line is a head as it stands in a log.
type line struct {
	Time      string `json:"time"`
	Level     string `json:"level"`
	Message   string `json:"msg"`
	ODSCode   string `json:"ods_code"`
	Batch     int64  `json:"batch"`
	LastID    int64  `json:"last_id"`
	Hash      string `json:"hash"`
	SealedAt  string `json:"sealed_at"`
	KeyID     string `json:"key_id,omitempty"`
	Signature string `json:"signature,omitempty"`
}

// WriteHead writes a head as one line of a structured log.
func WriteHead(w io.Writer, h Head) error {
	l := line{
		Time: time.Now().UTC().Format(time.RFC3339Nano), Level: "INFO", Message: headMessage, ODSCode: h.ODSCode, Batch: h.Batch, LastID: h.LastID,
		Hash: hex.EncodeToString(h.Hash[:]), SealedAt: h.SealedAt.UTC().Format(timeForm), KeyID: h.KeyID,
	}
	if h.Signature != nil {
		l.Signature = base64.StdEncoding.EncodeToString(h.Signature)
	}
	raw, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encoding an audit head: %w", err)
	}
	if _, err := w.Write(append(raw, '\n')); err != nil {
		return fmt.Errorf("writing an audit head: %w", err)
	}
	return nil
}

// ReadHeads finds the heads in a log and skips every other line. A line that says it is a head and cannot be read is an error, for it may
// have been tampered with; and so is one that begins as an entry of the log and is none, for it may have been a head.
func ReadHeads(r io.Reader) ([]Head, error) {
	var heads []Head
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, 1<<20)
	for number := 1; scanner.Scan(); number++ {
		entry := bytes.TrimSpace(scanner.Bytes())
		if !bytes.HasPrefix(entry, []byte("{")) && !bytes.Contains(entry, []byte(headMessage)) {
			continue
		}
		var said struct {
			Message any `json:"msg"`
		}
		if err := json.Unmarshal(entry, &said); err != nil {
			return nil, fmt.Errorf("line %d: it is cut short or not a JSON object, and may have been an audit head", number)
		}
		if said.Message != headMessage {
			continue
		}
		var l line
		if err := json.Unmarshal(entry, &l); err != nil {
			return nil, fmt.Errorf("line %d: the audit head's fields are not those of a head", number)
		}
		h, err := l.head()
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		heads = append(heads, h)
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("reading audit heads: %w", err)
	}
	return heads, nil
}

func (l line) head() (Head, error) {
	h := Head{ODSCode: l.ODSCode, Batch: l.Batch, LastID: l.LastID, KeyID: l.KeyID}
	hash, err := hex.DecodeString(l.Hash)
	if err != nil || len(hash) != len(h.Hash) || l.Batch < 1 {
		return Head{}, errors.New("the audit head has no batch number or no SHA-256 hash")
	}
	h.Hash = Hash(hash)
	if h.SealedAt, err = time.Parse(time.RFC3339Nano, l.SealedAt); err != nil {
		return Head{}, errors.New("the audit head has no time")
	}
	if l.Signature == "" {
		return h, nil
	}
	if h.Signature, err = base64.StdEncoding.DecodeString(l.Signature); err != nil {
		return Head{}, errors.New("the audit head's signature is not base64")
	}
	return h, nil
}

// ReadKey reads the Ed25519 key that signs heads: PEM, PKCS #8, as `openssl genpkey -algorithm ed25519` makes it.
func ReadKey(path string) (ed25519.PrivateKey, error) {
	block, err := readPEM(path)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block)
	if key, ok := parsed.(ed25519.PrivateKey); err == nil && ok {
		return key, nil
	}
	return nil, fmt.Errorf("%s holds no Ed25519 private key: make one with `openssl genpkey -algorithm ed25519`", path)
}

// ReadPublicKey reads the other half, as `openssl pkey -pubout` makes it.
func ReadPublicKey(path string) (ed25519.PublicKey, error) {
	block, err := readPEM(path)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKIXPublicKey(block)
	if key, ok := parsed.(ed25519.PublicKey); err == nil && ok {
		return key, nil
	}
	return nil, fmt.Errorf("%s holds no Ed25519 public key: make it from the private one with `openssl pkey -pubout`", path)
}

func readPEM(path string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the audit key: %w", err)
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, fmt.Errorf("%s is not PEM", path)
	}
	return block.Bytes, nil
}

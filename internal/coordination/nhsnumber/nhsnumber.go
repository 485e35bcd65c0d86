// Package nhsnumber checks NHS numbers: ten digits of which the last is a check digit modulo 11.
package nhsnumber

import (
	"errors"
	"strings"
)

// ErrInvalid does not repeat the number, so it may be logged and answered.
var ErrInvalid = errors.New("not a valid NHS number: ten digits with a correct check digit are needed, spaces or hyphens in the 3-3-4 pattern are allowed")

// placeholder has a correct check digit, is nobody's, and stands for "unknown" in many systems.
const placeholder = "0000000000"

// Parse gives the ten digits of a number that people may have written with spaces or hyphens (999 000 0018).
func Parse(s string) (string, error) {
	if len(s) == 12 && s[3] == s[7] && (s[3] == ' ' || s[3] == '-') {
		s = s[:3] + s[4:7] + s[8:]
	}
	if len(s) != 10 || strings.Trim(s, "0123456789") != "" {
		return "", ErrInvalid
	}
	if check, ok := CheckDigit(s[:9]); !ok || check != s[9] || s == placeholder {
		return "", ErrInvalid
	}
	return s, nil
}

// CheckDigit gives the tenth digit of a number from its first nine; about one in eleven has none and is never issued.
func CheckDigit(nine string) (digit byte, ok bool) {
	sum := 0
	for i := range 9 {
		sum += int(nine[i]-'0') * (10 - i)
	}
	check := (11 - sum%11) % 11
	return byte('0' + check), check != 10
}

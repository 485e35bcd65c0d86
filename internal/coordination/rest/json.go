package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

// maxDepth is far beyond what any body of this API needs.
const maxDepth = 20

var (
	errNotUTF8     = errors.New("the body is not UTF-8")
	errCharacter   = errors.New("a text holds a NUL character or half a surrogate pair")
	errTooDeep     = errors.New("the body is nested more than 20 deep")
	errKeyTwice    = errors.New("an object has a key twice")
	errNoJSONValue = errors.New("the body is not a JSON value")
)

// strictJSON refuses what the standard decoder would repair or the database would refuse later, and what two readers of the
// same body (the validator and the decoder) could understand in two ways.
var strictJSON = huma.Format{
	Marshal: huma.DefaultJSONFormat.Marshal,
	Unmarshal: func(data []byte, v any) error {
		if err := CheckJSON(data); err != nil {
			return err
		}
		return json.Unmarshal(data, v)
	},
}

// CheckJSON refuses what strictJSON refuses, for a body that is decoded elsewhere.
func CheckJSON(data []byte) error {
	if !utf8.Valid(data) {
		return errNotUTF8
	}
	if err := checkEscapes(data); err != nil {
		return err
	}
	return checkStructure(data)
}

// checkEscapes looks at \uXXXX; in well-formed JSON a backslash stands inside texts only.
func checkEscapes(data []byte) error {
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		i++
		unit, ok := escaped(data[i:])
		switch {
		case !ok:
		case unit == 0 || lowSurrogate(unit):
			return errCharacter
		case highSurrogate(unit):
			rest := data[i+5:]
			if len(rest) == 0 || rest[0] != '\\' {
				return errCharacter
			}
			if low, ok := escaped(rest[1:]); !ok || !lowSurrogate(low) {
				return errCharacter
			}
			i += 10
		}
	}
	return nil
}

func highSurrogate(unit uint64) bool { return unit >= 0xd800 && unit < 0xdc00 }
func lowSurrogate(unit uint64) bool  { return unit >= 0xdc00 && unit < 0xe000 }

// escaped reads what follows a backslash when it is a u and four hexadecimal digits.
func escaped(s []byte) (uint64, bool) {
	if len(s) < 5 || s[0] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(s[1:5]), 16, 16)
	return unit, err == nil
}

// checkStructure refuses deep nesting and keys that come twice.
func checkStructure(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	// open holds the keys so far of each object around the present token, and nil for a list.
	var open []map[string]bool
	key := false // the next text is a key
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return errNoJSONValue
		}
		switch t := token.(type) {
		case json.Delim:
			switch t {
			case '{':
				open = append(open, map[string]bool{})
			case '[':
				open = append(open, nil)
			default:
				open = open[:len(open)-1]
			}
			if len(open) > maxDepth {
				return errTooDeep
			}
		case string:
			if key {
				keys := open[len(open)-1]
				if keys[t] {
					return errKeyTwice
				}
				keys[t] = true
				key = false
				continue
			}
		}
		key = len(open) > 0 && open[len(open)-1] != nil
	}
}

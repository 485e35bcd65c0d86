package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

// maxDepth is far beyond what any body of this API needs.
const maxDepth = 20

var errNotPlainJSON = errors.New("the body is not plain JSON: UTF-8 without NUL characters, nested at most 20 deep")

// strictJSON refuses what the standard decoder would repair or the database would refuse later.
var strictJSON = huma.Format{
	Marshal: huma.DefaultJSONFormat.Marshal,
	Unmarshal: func(data []byte, v any) error {
		if !utf8.Valid(data) || bytes.Contains(data, []byte(`\u0000`)) || tooDeep(data) {
			return errNotPlainJSON
		}
		return json.Unmarshal(data, v)
	},
}

// tooDeep counts brackets outside strings.
func tooDeep(data []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

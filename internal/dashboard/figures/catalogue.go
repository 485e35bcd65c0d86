package figures

import "context"

// Catalogue is the measures that there are, and what is published of them.
type Catalogue struct {
	Items        []Measure     `json:"items"`
	Publications []Publication `json:"publications"` // newest first
	Rule         string        `json:"rule"`
	Synthetic    bool          `json:"synthetic"`
}

// Catalogue fetches the list of measures.
func (c *Client) Catalogue(ctx context.Context, call Call) (Catalogue, error) {
	var got Catalogue
	return got, c.get(ctx, call, "/v1/measures", nil, &got)
}

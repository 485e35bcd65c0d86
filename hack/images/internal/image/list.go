package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// List is the file that names the images built: short name to name:tag@digest.
type List struct {
	path   string
	images map[string]string
}

// ReadList reads the list at path; a list that is not there yet is empty.
func ReadList(path string) (*List, error) {
	l := &List{path: path, images: map[string]string{}}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the list of images: %w", err)
	}
	if err := json.Unmarshal(content, &l.images); err != nil {
		return nil, fmt.Errorf("read %s (delete it to begin anew): %w", path, err)
	}
	return l, nil
}

// Get returns the reference of the named image, or nothing.
func (l *List) Get(name string) string { return l.images[name] }

// Set notes the image's reference and writes the list at once.
func (l *List) Set(name, reference string) error {
	if l.images[name] == reference {
		return nil
	}
	l.images[name] = reference
	content, err := json.MarshalIndent(l.images, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(l.path+".new", append(content, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the list of images: %w", err)
	}
	return os.Rename(l.path+".new", l.path)
}

// DefaultCache is the folder for work that is kept between runs.
func DefaultCache() (string, error) {
	folder, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a cache folder (set XDG_CACHE_HOME or HOME, or give --cache): %w", err)
	}
	return filepath.Join(folder, "cmhf-dev", "images"), nil
}

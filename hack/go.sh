#!/bin/sh
# Says what is missing before anything else fails for the want of it.
command -v go >/dev/null 2>&1 || {
  echo "Go is missing: install Go 1.26 or later (https://go.dev/doc/install) and put its bin folder on PATH" >&2
  exit 1
}

SELECT trim_changes($1)

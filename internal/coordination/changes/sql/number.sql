SELECT number_changes($1)

# Compares two contents.tsv, the backup's first: prints the names that differ and ends with 1 when there are any.
NR == FNR { had[$1 FS $2] = $3 FS $4; next }
{ has[$1 FS $2] = $3 FS $4 }
END {
  for (key in had) {
    split(key, part, FS)
    if (!(key in has)) { print part[2]; differ = 1; continue }
    same = part[1] == "sequence" ? (has[key] + 0 >= had[key] + 0) : (has[key] == had[key])
    if (!same) { print part[2]; differ = 1 }
  }
  for (key in has) if (!(key in had)) { split(key, part, FS); print part[2]; differ = 1 }
  exit differ
}

#!/bin/sh
# Makes sure that a PostgreSQL server for tests is on this machine; installs Debian's when root.
set -eu
if ls /usr/lib/postgresql/15/bin/postgres >/dev/null 2>&1; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "installing PostgreSQL 15 from Debian for the tests" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # No cluster of its own: the tests start servers in folders of their own.
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  apt-get install -y -qq --no-install-recommends postgresql-15 >/dev/null
  exit 0
fi
echo "PostgreSQL 15 is missing: as root, apt-get install postgresql-15 (any way that gives /usr/lib/postgresql/15/bin will do)" >&2
exit 1

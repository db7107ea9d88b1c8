#!/usr/bin/env bash
# Installs the PgBouncer and the PostgreSQL of a Debian or Ubuntu, for tests that start their own. Nothing is started
# here, nor when the machine starts. Where it cannot, it says why in one line: the tests that need them are skipped.
set -euo pipefail

packages=()
[[ -x /usr/sbin/pgbouncer || -n ${POOLCHECK_PGBOUNCER:-} ]] || packages+=(pgbouncer)
compgen -G '/usr/lib/postgresql/*/bin/postgres' > /dev/null || packages+=(postgresql)
[[ -x /usr/bin/setpriv ]] || packages+=(util-linux)
if [[ ${#packages[@]} -eq 0 ]]; then exit 0; fi

give_up() {
    echo "cannot install ${packages[*]}: $1"
    exit 0
}

as_root() {
    if [[ $EUID -eq 0 ]]; then "$@"; else sudo --non-interactive "$@"; fi
}

install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        -o DPkg::Lock::Timeout=120 "${packages[@]}" > "$said" 2>&1 < /dev/null
}

command -v apt-get > /dev/null || give_up 'there is no apt-get'
as_root true 2> /dev/null || give_up 'that takes root, or sudo without a password'

# What a distribution asks before it starts a service, and whether PostgreSQL gets a cluster of its own, which would be
# started. Both are asked during the installation only, and a machine's own answer stays.
may_start=/usr/sbin/policy-rc.d
own_cluster=/etc/postgresql-common/createcluster.d/poolcheck.conf
said=$(mktemp)
made=("$own_cluster")
trap 'rm -f "$said"; as_root rm -f "${made[@]}"' EXIT

as_root mkdir -p "${own_cluster%/*}"
echo 'create_main_cluster = off' | as_root tee "$own_cluster" > /dev/null
if [[ ! -e $may_start ]]; then
    made+=("$may_start")
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$may_start" > /dev/null
    as_root chmod 755 "$may_start"
fi

install || { as_root apt-get update > /dev/null 2>&1 && install; } || give_up "$(tail -n 1 "$said")"

if [[ " ${packages[*]} " == *' pgbouncer '* ]]; then
    as_root update-rc.d pgbouncer disable > /dev/null
fi

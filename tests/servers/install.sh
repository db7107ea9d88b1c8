#!/usr/bin/env bash
# Installs the PgBouncer, the PostgreSQL and the Chromium of a Debian or Ubuntu, for tests that start their own. Nothing
# is started here, nor when the machine starts. Where it cannot, it says why in a line: tests that need them are skipped.
set -euo pipefail

packages=()
[[ -x /usr/sbin/pgbouncer || -n ${POOLCHECK_PGBOUNCER:-} ]] || packages+=(pgbouncer)
compgen -G '/usr/lib/postgresql/*/bin/postgres' > /dev/null || packages+=(postgresql)
[[ -x /usr/bin/setpriv ]] || packages+=(util-linux)

# Any browser of the kind will do, with the driver that came with it.
browser=()
if ! command -v chromedriver > /dev/null || ! command -v chromium chromium-browser google-chrome > /dev/null; then
    browser+=(chromium chromium-driver)
fi
if [[ ${#packages[@]} -eq 0 && ${#browser[@]} -eq 0 ]]; then exit 0; fi

give_up() {
    echo "cannot install ${packages[*]} ${browser[*]}: $1"
    exit 0
}

as_root() {
    if [[ $EUID -eq 0 ]]; then "$@"; else sudo --non-interactive "$@"; fi
}

install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        -o DPkg::Lock::Timeout=120 "$@" > "$said" 2>&1 < /dev/null
}

install_all() {
    if [[ $# -eq 0 ]]; then return; fi
    install "$@" || { as_root apt-get update > /dev/null 2>&1 && install "$@"; } ||
        echo "cannot install $*: $(tail -n 1 "$said")"
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

install_all "${packages[@]}"
install_all "${browser[@]}"

if [[ " ${packages[*]} " == *' pgbouncer '* && -x /usr/sbin/pgbouncer ]]; then
    as_root update-rc.d pgbouncer disable > /dev/null
fi

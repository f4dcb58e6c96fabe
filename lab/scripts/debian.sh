#!/usr/bin/env bash
# debian.sh TOOL ARGUMENT... - runs an apt tool for Debian 12 with lists, cache and state of the lab's own, so that
# source packages can be fetched and dependencies resolved without touching the host's apt configuration.
# debian.sh source - prints "URI KEYRING" of the Debian repository that the host uses.
#   LAB_DPKG_STATUS: resolve for a machine with these packages installed (default: none)
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# The host may use a mirror; the lab uses the same one.
repository() {
  apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "bookworm" && $2 == "main" { print $3, "/usr/share/keyrings/debian-archive-keyring.gpg"; exit }'
}

# apt knows the source only after an update, and a container image often comes without one.
read -r uri keyring < <(repository) || { apt-get -qq update; read -r uri keyring < <(repository); } || die "the host has no Debian 12 package source"
if [ "$1" = source ]; then echo "$uri $keyring"; exit; fi

apt=$LAB_CACHE/apt/bookworm
mkdir -p "$apt"/{lists/partial,cache/archives/partial,etc/preferences.d,state}
cat > "$apt/etc/lab.sources" <<S
Types: deb deb-src
URIs: $uri
Suites: bookworm
Components: main
Signed-By: $keyring
S
[ -e "$apt/state/status" ] || : > "$apt/state/status"
tool=$1; shift
# Nothing is installed, so the `_apt` user needs no access to the cache: without this, each download is a warning.
exec "$tool" -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$apt/etc" \
  -o Dir::Etc::preferencesparts="$apt/etc/preferences.d" -o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache" \
  -o Dir::State::status="${LAB_DPKG_STATUS:-$apt/state/status}" -o APT::Sandbox::User=root "$@"

#!/bin/sh
# Opens the stores, then waits for work. Keys are below /etc/stores, one folder for each store.
set -eu
umask 077

# A container that starts once more finds what it made the first time.
rm -rf "$HOME"/* "$HOME"/.[!.]*

# Locks gopass' copies of age keys, which are in memory and gone with this container.
GOPASS_AGE_PASSWORD=$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
export GOPASS_AGE_PASSWORD
mkdir -p "$HOME/stores"
git config --global user.name getSecrets
git config --global user.email getSecrets@localhost
root=

# gopass wants a store of its own before it takes others.
begin() {
  [ -z "$root" ] || return 0
  gopass --yes init --crypto "$1" --storage fs "$2"
  root=$2
}

add_age() {
  recipient=$(printf '%s\n' "$1" | age-keygen -y)
  gopass age identities add "$1" "$recipient"
  begin age "$recipient"
}

add_gpg() {
  gpg --batch --import "$1"
  prints=$(gpg --batch --list-secret-keys --with-colons | awk -F: '$1 == "fpr" { print $10 }')
  printf '%s\n' "$prints" | awk '{ print $1 ":6:" }' | gpg --batch --import-ownertrust
  begin gpgcli "$(printf '%s\n' "$prints" | head -n 1)"
}

# Not from the standard input, which what runs in between may read too.
while read -r name url <&3; do
  keys=/etc/stores/$name
  ssh="ssh -o UserKnownHostsFile=/app/config/ssh/ssh_known_hosts -o StrictHostKeyChecking=yes"
  if [ -e "$keys/ssh" ]; then
    ssh="$ssh -o IdentitiesOnly=yes -i $keys/ssh"
  fi
  if age=$(grep -m 1 '^AGE-' "$keys/key"); then
    add_age "$age"
  else
    add_gpg "$keys/key"
  fi
  GIT_SSH_COMMAND=$ssh gopass --yes clone --path "$HOME/stores/$name" "$url" "$name"
  git -C "$HOME/stores/$name" config core.sshCommand "$ssh"
done 3< /home/argocd/cmp-server/config/stores

exec /var/run/argocd/argocd-cmp-server

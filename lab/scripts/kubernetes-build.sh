#!/usr/bin/env bash
# kubernetes-build.sh - compiles Kubernetes, once, and links it with each version of LAB_VERSIONS.
#
# The code is 1.20.2 whatever the stamp says. kubeadm goes by the stamps, so that patch and minor upgrades run for
# real, only that there is nothing new behind them.
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
gopath=$LAB_CACHE/build/gopath
tree=$gopath/src/k8s.io/kubernetes
go_sources=$(dirname "$LAB_SCRIPTS")/go
# GOPATH mode, as the makefiles of Kubernetes 1.20: module mode stops at "updates to go.mod needed".
export GOPATH=$gopath GO111MODULE=off GOFLAGS='' GOCACHE=$LAB_CACHE/gocache CGO_ENABLED=0
export PATH=$LAB_ROOT/usr/lib/go-1.19/bin:$PATH

link_flags() {
  local version=$1 major minor package flags='-s -w'
  IFS=. read -r major minor _ <<< "${version#v}"
  for package in k8s.io/kubernetes/vendor/k8s.io/{component-base,client-go/pkg}/version; do
    flags+=" -X $package.gitVersion=$version -X $package.gitMajor=$major -X $package.gitMinor=$minor"
    flags+=" -X $package.gitTreeState=clean -X $package.gitCommit=debian -X $package.buildDate=2021-01-13T13:20:00Z"
  done
  echo "$flags"
}

build() {
  local version=$1; shift
  mkdir -p "$LAB_BIN/$version"
  (cd "$tree" && go build -trimpath -tags providerless -ldflags "$(link_flags "$version")" -o "$LAB_BIN/$version/" "$@")
}

# What Debian does not have: both are built inside the Kubernetes tree, from the libraries vendored there.
build_own() {
  local name
  for name in crictl minidns; do
    rm -rf "$tree/cmd/lab-$name"; cp -r "$go_sources/$name" "$tree/cmd/lab-$name"
    (cd "$tree" && go build -trimpath -ldflags '-s -w' -o "$LAB_BIN/$name" "./cmd/lab-$name")
  done
}

make_binaries() {
  local version commands=(./cmd/kube{-apiserver,-controller-manager,-scheduler,-proxy,let,adm,ctl})
  for version in $LAB_VERSIONS; do step "kubernetes $version" build "$version" "${commands[@]}"; done
  step "crictl, minidns" build_own
  gcc -Os -Wall -static -s -o "$LAB_BIN/pause" "$tree/build/pause/linux/pause.c"
}
artefact kubernetes-build "$(inputs "${BASH_SOURCE[0]}" "$LAB_VERSIONS" "$go_sources"/*/main.go "$(stamp kubernetes-source)")" make_binaries

#!/usr/bin/env bash
# kubernetes-source.sh - the complete Kubernetes source tree and a compiler for it, from Debian 12's packages.
#
# Debian 12 builds only kubectl from its source package `kubernetes`, but the package holds the whole tree with all
# vendored libraries. Nothing else is downloaded: no Go module proxy, no release server.
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
debian=$LAB_SCRIPTS/debian.sh
gopath=$LAB_CACHE/build/gopath
tree=$gopath/src/k8s.io/kubernetes

fetch() {
  mkdir -p "$LAB_DEBS" "$LAB_CACHE/src" "$LAB_ROOT"
  "$debian" apt-get update
  (cd "$LAB_DEBS" && "$debian" apt-get download golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev)
  (cd "$LAB_CACHE/src" && "$debian" apt-get source --download-only kubernetes)
}

unpack() {
  local deb patch
  for deb in "$LAB_DEBS"/golang-{1.19-go,1.19-src,github-modern-go-reflect2-dev}_*.deb; do dpkg -x "$deb" "$LAB_ROOT"; done
  rm -rf "$gopath"; mkdir -p "$tree"
  tar xzf "$LAB_CACHE"/src/kubernetes_*.orig.tar.gz -C "$tree" --strip-components=1
  tar xJf "$LAB_CACHE"/src/kubernetes_*.debian.tar.xz -C "$tree"
  cd "$tree"
  grep -vE '^(#|$)' debian/patches/series | while read -r patch; do patch -s -p1 < "debian/patches/$patch"; done
  # The vendored reflect2 1.0.1 links into the runtime's map iteration. Built with Go 1.18 or newer that compiles, and
  # crashes `kubeadm init` when it runs. Debian's 1.0.2 is the repaired version of the same library.
  rm -f vendor/github.com/modern-go/reflect2/*.{go,s}
  cp "$LAB_ROOT"/usr/share/gocode/src/github.com/modern-go/reflect2/*.{go,s} vendor/github.com/modern-go/reflect2/
  rm -f vendor/github.com/modern-go/reflect2/*_test.go
}

# The only generated file that the tarball lacks. `make generated_files` would make it among many others.
openapi() (
  cd "$tree"
  export GOPATH=$gopath GO111MODULE=off GOFLAGS='' GOCACHE=$LAB_CACHE/gocache CGO_ENABLED=0
  export PATH=$LAB_ROOT/usr/lib/go-1.19/bin:$PATH
  go build -o "$LAB_CACHE/build/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
  packages=$(grep -Rl --include='*.go' '+k8s:openapi-gen=' pkg vendor/k8s.io | xargs -n1 dirname | LC_ALL=C sort -u |
    grep -vE '^vendor/k8s.io/(code-generator|sample-apiserver|kube-openapi|gengo)(/|$)' | sed 's#^#k8s.io/kubernetes/#' | paste -sd,)
  "$LAB_CACHE/build/openapi-gen" -h hack/boilerplate/boilerplate.generatego.txt -O zz_generated.openapi \
    -p k8s.io/kubernetes/pkg/generated/openapi -o "$gopath/src" -r "$LAB_CACHE/build/openapi.violations" -i "$packages" \
    2> "$LAB_CACHE/build/openapi.log"
)

make_source() { fetch; unpack; openapi; }
artefact kubernetes-source "$(inputs "${BASH_SOURCE[0]}")" make_source

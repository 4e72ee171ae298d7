# What the scripts of this folder have in common. Sourced, with this folder as the current directory.

ROOT=$(cd ../.. && pwd)
# What is kept about a daemon that was started here.
STATE=/run/buntime-docker
# The images that a session's machine is made from, by their real names.
BASE_IMAGE=$(sed -n 's/^FROM \(oven[^ ]*\).*/\1/p' "$ROOT/container/Dockerfile" | head -n 1)
POLYGLOT_BASE_IMAGE=$(sed -n 's/^FROM \(debian[^ ]*\).*/\1/p' "$ROOT/container/Dockerfile")
# What is installed on the latter.
POLYGLOT_PACKAGES=$(sed -n 's/^ARG PACKAGES="\(.*\)"/\1/p' "$ROOT/container/Dockerfile")
# What workerd puts beside every container, as wrangler names it, and what does so where it is not to be had.
SIDECAR_IMAGE=$(grep -o 'cloudflare/proxy-everything:[a-z0-9]*@sha256:[0-9a-f]*' "$ROOT/node_modules/wrangler/wrangler-dist/cli.js" | head -n 1)
SIDECAR_STAND_IN=buntime-egress-stand-in:latest
# On everything that is built from container/Dockerfile.
IMAGE_LABEL=org.opencontainers.image.title=buntime
# On images that were made here because no registry could be reached.
STAND_IN_LABEL=buntime.stand-in

say() { echo "docker: $*" >&2; }

fail() {
  say "$*"
  exit 1
}

answers() { timeout 5 docker info >/dev/null 2>&1; }

install_packages() {
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || fail "install $* first"
  say "installing $*"
  export DEBIAN_FRONTEND=noninteractive
  { timeout 120 apt-get update -q && timeout 300 apt-get install -y -q --no-install-recommends "$@"; } >/dev/null ||
    fail "could not install $*"
}

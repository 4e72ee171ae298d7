#!/bin/sh
# Makes available what building and running sessions' images takes, and prints the environment that says how, as
# NAME=value lines for docker.sh, Miniflare and wrangler. Without a registry, stand-ins are made from Debian packages: the
# base images under their real names, so that container/Dockerfile is built as it is, and the network sidecar. They are for
# development and tests; `wrangler deploy` needs the real ones.
set -eu
cd "$(dirname "$0")"
. ./shared.sh

make_debian() { # image suite [option of mmdebstrap]...
  image=$1 suite=$2
  shift 2
  say "no registry: making $image from Debian packages"
  root=$(mktemp --suffix=.tar)
  trap 'rm -f "$root" "$root.log"' EXIT
  # This machine's own certificate authorities go in, too, so that downloads work behind a proxy that has one.
  # shellcheck disable=SC2016 # $1 is the hook's: the directory of the new root
  timeout 300 mmdebstrap --variant=minbase --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    --aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' "$@" \
    --setup-hook='find /usr/local/share/ca-certificates -name "*.crt" -exec install -Dt "$1/usr/local/share/ca-certificates" {} +' \
    --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/* "$1"/var/log/*' \
    "$suite" "$root" 2>"$root.log" || fail "could not make $image: $(tail -n 1 "$root.log")"
  timeout 120 docker import \
    --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bun-node-fallback-bin' \
    --change 'ENV BUNTIME_USER_ENV={\"NODE_EXTRA_CA_CERTS\":\"/etc/ssl/certs/ca-certificates.crt\"}' \
    --change "LABEL $STAND_IN_LABEL=base" \
    "$root" "$image" >/dev/null || fail "could not make $image"
  rm "$root" "$root.log"
}

# Laid out as oven/bun is: bun, bunx, `node` last on the PATH, uid 1000.
# shellcheck disable=SC2016 # $1 as above
make_base() {
  make_debian "$BASE_IMAGE" bookworm \
    --customize-hook="install -D '$ROOT/node_modules/bun/bin/bun.exe' \"\$1/usr/local/bin/bun\"" \
    --customize-hook='ln -s bun "$1/usr/local/bin/bunx"' \
    --customize-hook='install -d "$1/usr/local/bun-node-fallback-bin"' \
    --customize-hook='ln -s ../bin/bun "$1/usr/local/bun-node-fallback-bin/node"' \
    --customize-hook='chroot "$1" groupadd --gid 1000 bun' \
    --customize-hook='chroot "$1" useradd --uid 1000 --gid bun --shell /bin/sh --create-home bun'
}

# With what container/Dockerfile installs in it already: that is quicker here, and done once, since this image stays.
make_polyglot_base() { make_debian "$POLYGLOT_BASE_IMAGE" trixie --include="$POLYGLOT_PACKAGES"; }

is_there() { # image
  docker image inspect "$1" >/dev/null 2>&1 && return
  say "pulling $1"
  timeout 180 docker pull -q "$1" >/dev/null 2>&1
}

make_sidecar() {
  # Of no use in a container: a resolver that listens on this machine's loopback.
  nameservers=$(awk '$1 == "nameserver" && $2 !~ /^(127\.|::1)/ { printf "%s%s", sep, $2; sep = " " }' /etc/resolv.conf)
  timeout 120 env DOCKER_BUILDKIT=0 docker build -q -t "$SIDECAR_STAND_IN" -f - "$ROOT/container" >/dev/null 2>&1 <<DOCKERFILE || fail "could not make $SIDECAR_STAND_IN"
FROM $BASE_IMAGE
COPY egress-stand-in.ts egress-cut.ts /
LABEL $STAND_IN_LABEL=sidecar
ENV NAMESERVERS="$nameservers"
ENTRYPOINT ["bun", "/egress-stand-in.ts"]
DOCKERFILE
}

is_stand_in() { [ -n "$(docker image inspect -f "{{index .Config.Labels \"$STAND_IN_LABEL\"}}" "$BASE_IMAGE")" ]; }

answers || fail "Docker does not answer. Is its daemon running, and may this user reach it? \`docker info\` says more"

makers=
is_there "$BASE_IMAGE" || makers=make_base
case ",${SESSION_IMAGES:-polyglot}," in
  *,polyglot,*) is_there "$POLYGLOT_BASE_IMAGE" || makers="$makers make_polyglot_base" ;;
esac
[ -z "$makers" ] || command -v mmdebstrap >/dev/null || install_packages mmdebstrap
makings=
for maker in $makers; do
  "$maker" &
  makings="$makings $!"
done
for making in $makings; do wait "$making"; done

if is_stand_in; then
  make_sidecar
  SIDECAR_IMAGE=$SIDECAR_STAND_IN
elif ! docker image inspect "$SIDECAR_IMAGE" >/dev/null 2>&1; then
  say "pulling $SIDECAR_IMAGE"
  timeout 180 docker pull -q "$SIDECAR_IMAGE" >/dev/null 2>&1 || fail "could not pull $SIDECAR_IMAGE"
fi
echo "MINIFLARE_CONTAINER_EGRESS_IMAGE=$SIDECAR_IMAGE"
echo "DOCKER_HOST=$(docker context inspect --format '{{.Endpoints.docker.Host}}')"
if is_stand_in || ! docker buildx version >/dev/null 2>&1; then echo "DOCKER_BUILDKIT=0"; fi

#!/bin/sh
# Removes what the tests and `npm run start:docker` leave in Docker: containers of killed runs, the images that were
# built, the network sidecar's stand-in. Stops the daemon if prepare.sh started it. The base images stay: they take
# more than a minute to make.
set -eu
cd "$(dirname "$0")"
. ./shared.sh

if answers; then
  # shellcheck disable=SC2046 # ids have no spaces
  {
    timeout 60 docker rm --force --volumes $(docker ps --all --quiet --filter name=-buntime-) || true
    timeout 60 docker rmi --force $(docker images --quiet --filter "label=$IMAGE_LABEL") || true
    timeout 60 docker image prune --force --filter "label=$IMAGE_LABEL" || true
    timeout 60 docker rmi --force "$SIDECAR_STAND_IN" || true
    timeout 60 docker image prune --force --filter "label=$STAND_IN_LABEL" || true
  } >/dev/null 2>&1
fi

[ -f "$STATE/dockerd.pid" ] || exit 0
daemon=$(cat "$STATE/dockerd.pid")
rm -r "$STATE"
kill "$daemon" 2>/dev/null || exit 0
deadline=$(($(date +%s) + 20))
while kill -0 "$daemon" 2>/dev/null; do
  [ "$(date +%s)" -lt "$deadline" ] || fail "dockerd does not end"
  sleep 0.1
done

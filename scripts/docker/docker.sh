#!/bin/sh
# The docker that builds sessions' images, for wrangler as for `npm run start:docker`: notes the tag of each in
# $BUNTIME_IMAGES, by which it is removed in the end. Leaves out the two flags of `docker build` that only buildx knows
# where there is none, and does not pull an image that is here already.
set -eu

if [ "${1:-}" = pull ] && docker image inspect "$2" >/dev/null 2>&1; then exit 0; fi

before=${1:-}
for argument in "$@"; do
  shift
  if [ "$before" = -t ]; then echo "$argument" >>"$BUNTIME_IMAGES"; fi
  before=$argument
  case "${DOCKER_BUILDKIT:-} $argument" in
    "0 --load" | "0 --provenance=false") ;;
    *) set -- "$@" "$argument" ;;
  esac
done
exec docker "$@"

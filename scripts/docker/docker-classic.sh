#!/bin/sh
# A docker for wrangler where there is no buildx or no registry: leaves out the two flags of `docker build` that only
# buildx knows, and does not pull an image that is here already.
set -eu

if [ "${1:-}" = pull ] && docker image inspect "$2" >/dev/null 2>&1; then exit 0; fi

for argument in "$@"; do
  shift
  case "$argument" in
    --load | --provenance=false) ;;
    *) set -- "$@" "$argument" ;;
  esac
done
exec docker "$@"

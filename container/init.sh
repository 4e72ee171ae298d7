#!/bin/sh
# PID 1 of every container, in Docker as in the embedded engine: `init.sh COMMAND...` runs the supervisor, reaps
# orphans (wait does), passes TERM on, and starts the supervisor again in place when it dies, so that neither files
# nor container are lost with it. Six deaths within ten seconds each: gives up with the supervisor's exit status.
# A supervisor that exits with 0 meant to.
cd / # Bun reads bunfig.toml and .env where it starts: never those of user code

stopping=
trap 'stopping=1; kill -TERM "$supervisor" 2>/dev/null' TERM INT

quick_deaths=0
while :; do
  started=$(date +%s)
  "$@" &
  supervisor=$!
  [ -z "$stopping" ] || kill -TERM "$supervisor" 2>/dev/null # a TERM that came before there was one to pass it to

  # A trap ends `wait` early: only a supervisor that is gone ends this loop.
  while :; do
    wait "$supervisor"
    status=$?
    kill -0 "$supervisor" 2>/dev/null || break
  done
  if [ -n "$stopping" ] || [ "$status" -eq 0 ]; then exit "$status"; fi

  if [ $(($(date +%s) - started)) -lt 10 ]; then quick_deaths=$((quick_deaths + 1)); else quick_deaths=1; fi
  echo "init: the supervisor ended with status $status" >&2
  if [ "$quick_deaths" -ge 6 ]; then exit "$status"; fi
done

#!/bin/sh
# What `npm run test:docker` needs: a Docker daemon that answers, installed (Debian, as root) and started here where there
# is none, and its images. Changes nothing about a daemon that answers already. clean.sh ends what this started.
set -eu
cd "$(dirname "$0")"
. ./shared.sh

start_daemon() {
  [ "$(id -u)" = 0 ] || fail "Docker does not answer: start it, or run this as root to have it installed and started"
  command -v dockerd >/dev/null && command -v iptables >/dev/null || install_packages docker.io iptables

  mkdir -p "$STATE"
  say "starting dockerd (log: $STATE/dockerd.log)"
  # Named explicitly, the bridge's network has the gateway in its address data; workerd looks for it there. Sessions are
  # not to reach each other.
  setsid dockerd --bip 172.17.0.1/16 --icc=false >"$STATE/dockerd.log" 2>&1 </dev/null &
  echo $! >"$STATE/dockerd.pid"
  deadline=$(($(date +%s) + 30))
  until answers; do
    kill -0 "$(cat "$STATE/dockerd.pid")" 2>/dev/null || fail "dockerd ended: $(tail -n 1 "$STATE/dockerd.log")"
    [ "$(date +%s)" -lt "$deadline" ] || fail "dockerd did not answer within 30 s"
    sleep 0.1
  done
}

answers || start_daemon
./images.sh >/dev/null

#!/bin/sh
# Runs $TIED with the given arguments, so that it ends when the process that started it ends, even by SIGKILL, and is
# not reached by the terminal's Ctrl-C: who started it stops it in order.
command -v setpriv >/dev/null 2>&1 || exec "$TIED" "$@"
# A parent that ended before the signal was asked for would never send it, so it is looked for once more afterwards.
exec setsid setpriv --pdeathsig KILL sh -c '[ "$PPID" = "$0" ] && exec "$TIED" "$@"' "$PPID" "$@"

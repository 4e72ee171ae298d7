# Second half of entering a container: `drop.sh range|single HOST_PID COMMAND...`. Tells the engine that it is in its user
# namespace, waits until the engine has mapped its ids, then gives up everything that the supervisor does not need.
# The engine reads stdout only until then; what the command prints goes to stderr, the container's log.
set -eu
identity=$1 host_pid=$2
shift 2
export PATH=/opt/bun:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin

echo "$host_pid"
read -r _ # at end of file the engine is gone: no reason to live

files=$(ulimit -Hn)
if [ "$files" = unlimited ] || [ "$files" -gt 65536 ]; then files=65536; fi

capabilities=-all,+chown,+dac_override,+fowner,+kill,+setuid,+setgid,+sys_ptrace,+net_admin
case $identity in
range) become="--reuid=0 --regid=0 --clear-groups" ;;
# The supervisor puts user processes into namespaces of their own: see BUNTIME_USER=namespace.
single) become= capabilities=$capabilities,+sys_admin,+sys_chroot,+setpcap ;;
esac

# Changing ids clears the signal at the parent's death: setpriv sets it afterwards.
# shellcheck disable=SC2086 # words on purpose
exec prlimit --nproc=4096 --nofile="$files" --core=0 -- \
  setpriv $become --no-new-privs --pdeathsig KILL \
  --inh-caps=-all --ambient-caps=-all --bounding-set="$capabilities" -- "$@" </dev/null >&2

# First half of entering a container: `enter.sh range|single FSTAB ROOT COMMAND...`, run as PID 1 of new mount, pid, ipc
# and uts namespaces. Mounts what FSTAB says, makes ROOT the root and lets go of the host's file system.
# With `range` all this is done by the host's root, so that sources may lie in private directories and nothing in the
# container may undo a mount: its user namespace is entered only afterwards. With `single` it was entered before.
set -eu
identity=$1 fstab=$2 root=$3
shift 3
umask 022

echo 500 >/proc/self/oom_score_adj # when memory runs out, not the engine
hostname buntime || true # a name to look at, no more
read -r pid _ </proc/self/stat # the host's view of this process: /proc is still the host's

mount --all --fstab "$fstab"
cd "$root"
pivot_root . mnt
umount -l /mnt
cd /

case $identity in
range) exec unshare --user --net --keep-caps sh /opt/buntime/drop.sh range "$pid" "$@" ;;
single) exec sh /opt/buntime/drop.sh single "$pid" "$@" ;;
esac

// What a container sees, as an fstab: one `mount --all` in its new mount namespace makes it all. Pure. The root itself
// is the engine's image directory (image.ts), read-only and shared; only /workspace, /tmp and /dev/shm can be written.
// Must not happen: a host path in here that is not needed, or a writable one beside the workspace and the sockets.

/** Facts about the host that the plan depends on. */
export interface HostMounts {
  /** Text of /proc/self/mountinfo. */
  readonly mountInfo: string;
  /** Directories of the host that containers read, each existing. */
  readonly shared: readonly string[];
  /** Does this absolute path exist on the host? */
  readonly exists: (path: string) => boolean;
}

export interface ContainerPlaces {
  /** The image directory; the new root is mounted over it, in the container's own namespace. */
  readonly root: string;
  readonly workspace: string;
  /** Becomes /run/buntime. */
  readonly sockets: string;
  /** The bun binary. */
  readonly bun: string;
  /** The host's gid of the container's group `tty`; null where it has none. */
  readonly ttyGid: number | null;
}

export const DEVICES = ["null", "zero", "full", "random", "urandom", "tty"] as const;
/** Where bun is in a container; bunx is a link to it. */
export const BUN_PATH = "/opt/bun/bun";

const PROC_READ_ONLY = ["/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/sysrq-trigger"] as const;
const PROC_HIDDEN = ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug"] as const;
const SCRATCH = "nosuid,nodev,mode=1777";

export function containerFstab(places: ContainerPlaces, host: HostMounts): string {
  const { root } = places;
  const mounts = parseMountInfo(host.mountInfo);
  const bound = (source: string, target: string, options: readonly string[]) =>
    line(source, target, "none", [...new Set([...options, ...keptFlags(mounts, source)])].join(","));
  const bind = (source: string, target: string, ...options: string[]) => bound(source, target, ["bind", ...options]);
  const tty = places.ttyGid === null ? "" : `,gid=${places.ttyGid}`;

  const shared = host.shared.flatMap((directory) => [
    bound(directory, root + directory, ["rbind", "ro", "nosuid", "nodev"]),
    // `ro` of an rbind reaches its top only.
    ...mounts
      .filter((m) => m.point.startsWith(`${directory}/`))
      .map((m) => bind(m.point, root + m.point, "ro", "nosuid", "nodev")),
  ]);
  return [
    bind(root, root, "ro", "nosuid", "nodev"),
    ...shared,
    bind(places.bun, root + BUN_PATH, "ro", "nosuid", "nodev"),
    line("proc", `${root}/proc`, "proc", "nosuid,nodev,noexec"),
    ...PROC_READ_ONLY.filter(host.exists).map((path) =>
      line(root + path, root + path, "none", "bind,ro,nosuid,nodev,noexec"),
    ),
    ...PROC_HIDDEN.filter(host.exists).map((path) => bind("/dev/null", root + path)),
    ...DEVICES.map((name) => bind(`/dev/${name}`, `${root}/dev/${name}`)),
    line("devpts", `${root}/dev/pts`, "devpts", `newinstance,nosuid,noexec,mode=620,ptmxmode=666${tty}`),
    line("tmpfs", `${root}/dev/shm`, "tmpfs", `${SCRATCH},size=64m`),
    line("tmpfs", `${root}/tmp`, "tmpfs", `${SCRATCH},size=256m`),
    bind(places.sockets, `${root}/run/buntime`, "nosuid", "nodev", "noexec"),
    bind(places.workspace, `${root}/workspace`, "nosuid", "nodev"),
    "",
  ].join("\n");
}

interface Mount {
  readonly point: string;
  readonly options: readonly string[];
}

function parseMountInfo(text: string): Mount[] {
  return text.split("\n").flatMap((row) => {
    const [, , , , point, options] = row.split(" ");
    return point === undefined || options === undefined
      ? []
      : [{ point: unescape(point), options: options.split(",") }];
  });
}

/** A bind mount that an ordinary user makes must keep what the host forbids on its source. */
function keptFlags(mounts: readonly Mount[], path: string): string[] {
  const holds = (mount: Mount) =>
    path === mount.point || path.startsWith(mount.point === "/" ? "/" : `${mount.point}/`);
  const mount = mounts
    .filter(holds)
    .reduce<Mount | null>((a, b) => (a === null || b.point.length >= a.point.length ? b : a), null);
  return (mount?.options ?? []).filter((o) => ["nosuid", "nodev", "noexec", "noatime", "nodiratime"].includes(o));
}

function line(source: string, target: string, type: string, options: string): string {
  return `${escape(source)} ${escape(target)} ${type} ${options} 0 0`;
}

function escape(path: string): string {
  return path.replace(/[\s\\#]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

function unescape(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

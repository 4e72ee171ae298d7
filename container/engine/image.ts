// The directory that is every container's root: links and mount points, an /etc with nothing of the host's secrets, the
// supervisor's bundle and init. Made once when the engine starts, mounted read-only. Must not happen: copying a file
// of /etc that is not on the list.
import {
  chmod,
  copyFile,
  cp,
  lstat,
  mkdir,
  readdir,
  readlink,
  realpath,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { bundleSupervisor } from "./bundle.ts";
import { BUN_PATH, DEVICES } from "./mounts.ts";

export interface Image {
  readonly root: string;
  /** The bun binary to mount: one that every user may run. */
  readonly bun: string;
  /** Directories of the host to mount read-only at the same place. */
  readonly shared: readonly string[];
}

const EMPTY_DIRECTORIES = [
  "proc",
  "dev/pts",
  "dev/shm",
  "tmp",
  "workspace",
  "run/buntime",
  "mnt",
  "opt/bun",
  "home",
  "root",
];
const SHARED = [
  "/usr",
  "/etc/alternatives",
  "/etc/ssl/certs",
  "/etc/ca-certificates",
  "/etc/pki/tls/certs",
  "/etc/pki/ca-trust",
];
const COPIED = [
  "ld.so.cache",
  "ld.so.conf",
  "localtime",
  "os-release",
  "protocols",
  "services",
  "mime.types",
  "ssl/openssl.cnf",
];
const WRITTEN = {
  passwd: [
    "root:x:0:0:root:/root:/bin/sh",
    "bun:x:1000:1000:bun:/workspace/.buntime/home:/bin/sh",
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
    "",
  ].join("\n"),
  group: "root:x:0:\ntty:x:5:\nbun:x:1000:\nnogroup:x:65534:\n",
  hosts: "127.0.0.1 localhost buntime\n::1 localhost\n",
  hostname: "buntime\n",
  "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
  // Names are resolved by the egress proxy; who asks for one directly is refused at once instead of waiting. No address of
  // loopback's: Bun's resolver takes ten seconds of CPU to understand that nobody listens there. This one is nobody's
  // (RFC 5737) and has no route.
  "resolv.conf": "nameserver 192.0.2.1\noptions timeout:1 attempts:1\n",
};

/**
 * @param directory an empty one, of the engine's own
 * @param supervisor the directory of its bundle; null: it is bundled from its source
 */
export async function makeImage(directory: string, supervisor: string | null): Promise<Image> {
  const root = join(directory, "root");
  for (const path of EMPTY_DIRECTORIES) await mkdir(join(root, path), { recursive: true });
  for (const device of DEVICES) await writeFile(join(root, "dev", device), "");
  await symlink("/proc/self/fd", join(root, "dev/fd"));
  for (const [fd, name] of ["stdin", "stdout", "stderr"].entries())
    await symlink(`/proc/self/fd/${fd}`, join(root, "dev", name));
  await symlink("pts/ptmx", join(root, "dev/ptmx"));
  await mkdir(join(root, "var"));
  await symlink("../tmp", join(root, "var/tmp"));
  await writeFile(join(root, BUN_PATH), "");
  await symlink("bun", join(root, dirname(BUN_PATH), "bunx"));

  const shared = SHARED.filter((path) => existsSync(path));
  for (const name of await readdir("/")) {
    if (!/^(bin|sbin|lib\w*)$/.test(name)) continue;
    if ((await lstat(`/${name}`)).isSymbolicLink()) await symlink(await readlink(`/${name}`), join(root, name));
    else shared.push(`/${name}`);
  }
  for (const path of shared) await mkdir(join(root, path), { recursive: true });
  for (const [name, text] of Object.entries(WRITTEN)) await writeFile(join(root, "etc", name), text);
  for (const name of COPIED.filter((file) => existsSync(`/etc/${file}`)))
    await copy(`/etc/${name}`, join(root, "etc", name));

  const target = join(root, "opt/buntime");
  if (supervisor === null) await bundleSupervisor(target);
  else await cp(supervisor, target, { recursive: true });
  for (const entry of await readdir(target, { recursive: true, withFileTypes: true })) {
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
  }
  return { root, bun: await runnableBun(directory), shared };
}

/** A copy where the original is for its owner only, as after an installation with a strict umask. */
async function runnableBun(directory: string): Promise<string> {
  const original = await realpath(process.execPath);
  if (((await stat(original)).mode & 0o5) === 0o5) return original;
  const path = join(directory, "bun");
  await copy(original, path);
  await chmod(path, 0o755);
  return path;
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
  await chmod(to, 0o644);
}

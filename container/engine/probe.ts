// Can this machine run containers? Tried once when the engine starts, by starting an empty one, so that a machine that
// cannot says so at once and says what to do.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type IdentityKind, claimIdentity, ttyGid } from "./identity.ts";
import type { Image } from "./image.ts";
import { HOST_PATH, LaunchError, launch } from "./launch.ts";
import { ContainerLog } from "./log.ts";
import { containerFstab } from "./mounts.ts";

const TOOLS = ["unshare", "setpriv", "mount", "umount", "pivot_root", "prlimit", "sh"];
const INSTEAD = "With Docker installed, `npm run start:docker` runs sessions without them.";

/** @throws Error to show to the operator */
export function checkPlatform(): void {
  if (process.platform !== "linux") {
    throw new Error(`the embedded engine needs Linux namespaces, which ${process.platform} does not have. ${INSTEAD}`);
  }
  const missing = TOOLS.filter((tool) => Bun.which(tool, { PATH: HOST_PATH }) === null);
  if (missing.length > 0)
    throw new Error(`${missing.join(", ")} not found: install the package util-linux. ${INSTEAD}`);
}

/** @param scratch an empty directory of the engine's own. @throws Error to show to the operator */
export async function probe(image: Image, kind: IdentityKind, scratch: string): Promise<void> {
  const [workspace, sockets, fstab] = [join(scratch, "workspace"), join(scratch, "sockets"), join(scratch, "fstab")];
  mkdirSync(workspace, { recursive: true });
  mkdirSync(sockets);
  const identity = await claimIdentity(kind, workspace, []);
  const places = { root: image.root, bun: image.bun, workspace, sockets, ttyGid: ttyGid(identity) };
  const mountInfo = readFileSync("/proc/self/mountinfo", "utf8");
  writeFileSync(fstab, containerFstab(places, { mountInfo, shared: image.shared, exists: existsSync }));
  const log = new ContainerLog(join(scratch, "log"));
  try {
    const ended = await (
      await launch({ identity, fstab, root: image.root, command: ["bun", "--revision"], env: {}, log })
    ).ended;
    if (!ended.startsWith("exit code 0")) throw new LaunchError(ended);
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    throw new Error(
      `this machine does not let buntime make Linux namespaces: ${error.message}\n${advice()} ${INSTEAD}`,
      { cause: error },
    );
  }
}

/** The switches by which distributions keep namespaces from ordinary users, and from everyone. */
function advice(): string {
  const setting = (path: string) => (existsSync(path) ? readFileSync(path, "utf8").trim() : null);
  if (setting("/proc/sys/user/max_user_namespaces") === "0")
    return "`sysctl user.max_user_namespaces=15000` allows them.";
  if (setting("/proc/sys/kernel/unprivileged_userns_clone") === "0")
    return "`sysctl kernel.unprivileged_userns_clone=1` allows them.";
  if (setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") === "1") {
    return "AppArmor forbids them: `sysctl kernel.apparmor_restrict_unprivileged_userns=0` allows them, or run as root.";
  }
  return "In a container of your own it has to be a privileged one (docker run --privileged).";
}

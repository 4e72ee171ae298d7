// One running container: its processes, its sockets, its relays. Made by startContainer, gone when `exited` resolves:
// by then neither a process nor a mount nor a socket of it is left, only its workspace and its log.
import {
  chownSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { CONTROL_PORT } from "../../src/contract/ids.ts";
import { type EgressRules, listenEgress } from "./egress.ts";
import type { ContainerDirectory } from "./directory.ts";
import { type IdentityKind, claimIdentity, rootUid, ttyGid } from "./identity.ts";
import type { Image } from "./image.ts";
import { type Launched, launch, startTime } from "./launch.ts";
import { ContainerLog } from "./log.ts";
import { containerFstab } from "./mounts.ts";
import { type Relay, openRelay } from "./relay.ts";

export interface Host {
  readonly image: Image;
  readonly identity: IdentityKind;
  readonly egress: EgressRules;
  /** BUNTIME_USER_ENV: for user processes. */
  readonly userEnvironment: Readonly<Record<string, string>>;
}

export interface StartOptions {
  /** Of its init and supervisor. */
  readonly env: Readonly<Record<string, string>>;
  /** False: it gets no proxy, which is its only way out. */
  readonly internet: boolean;
}

export interface Exit {
  readonly reason: string;
}

export interface Container {
  readonly exited: Promise<Exit>;
  /** To PID 1, whatever it makes of it. */
  readonly signal: (signal: number) => void;
  /** The loopback address that leads to a port inside; null when the container is ending */
  address(port: number): string | null;
}

const SIGKILL = 9;
const COMMAND = ["sh", "/opt/buntime/init.sh", "bun", "--smol", "/opt/buntime/main.js"];

/** @throws LaunchError */
export async function startContainer(
  host: Host,
  directory: ContainerDirectory,
  { env, internet }: StartOptions,
): Promise<Container> {
  mkdirSync(directory.workspace, { recursive: true });
  const identity = await claimIdentity(host.identity, directory.workspace, directory.allWorkspaces());
  rmSync(directory.state, { recursive: true, force: true });
  mkdirSync(directory.sockets, { recursive: true, mode: 0o700 });
  const uid = rootUid(identity);
  if (uid !== null) chownSync(directory.sockets, uid, uid);

  // A socket's path may be 107 bytes long at most: it is named through this descriptor, however deep the directory.
  const fd = openSync(directory.sockets, constants.O_RDONLY | constants.O_DIRECTORY);
  const socket = (name: string) => `/proc/self/fd/${fd}/${name}`;
  const egress = internet ? listenEgress(socket("egress.sock"), host.egress) : null;
  if (egress !== null && uid !== null) chownSync(join(directory.sockets, "egress.sock"), uid, uid);
  const relays = new Map<number, Relay>();
  let running = true;
  const release = () => {
    running = false;
    egress?.close();
    for (const relay of relays.values()) relay.close();
    closeSync(fd);
    rmSync(directory.sockets, { recursive: true, force: true });
    for (const path of [directory.fstab, directory.pidFile]) rmSync(path, { force: true });
  };

  let launched: Launched | null = null;
  try {
    const { root, bun, shared } = host.image;
    const places = { root, bun, workspace: directory.workspace, sockets: directory.sockets, ttyGid: ttyGid(identity) };
    const mountInfo = readFileSync("/proc/self/mountinfo", "utf8");
    writeFileSync(directory.fstab, containerFstab(places, { mountInfo, shared, exists: existsSync }));
    const { pid, ended, signal } = (launched = await launch({
      identity,
      fstab: directory.fstab,
      root,
      command: COMMAND,
      env: {
        ...env,
        BUNTIME_SOCKETS: "/run/buntime",
        BUNTIME_LOOPBACK: "1",
        BUNTIME_USER: identity.kind === "range" ? "1000:1000" : "namespace",
        BUNTIME_USER_ENV: JSON.stringify(host.userEnvironment),
      },
      log: new ContainerLog(directory.log),
    }));
    writeFileSync(directory.pidFile, `${pid} ${startTime(pid)}\n`);
    return {
      exited: ended.then((reason) => {
        release();
        return { reason };
      }),
      signal,
      address: (port) => {
        if (!running) return null;
        const target =
          port === CONTROL_PORT ? { control: socket("control.sock") } : { ports: socket("ports.sock"), port };
        const relay = relays.get(port) ?? openRelay(target);
        relays.set(port, relay);
        return relay.address;
      },
    };
  } catch (error) {
    launched?.signal(SIGKILL);
    await launched?.ended;
    release();
    throw error;
  }
}

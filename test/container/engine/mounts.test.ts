// What a container sees of the host, as the list that `mount` is given.
import { expect, test } from "bun:test";
import { type ContainerPlaces, containerFstab } from "../../../container/engine/mounts.ts";

const PLACES: ContainerPlaces = {
  root: "/d/root",
  workspace: "/d/my files/w",
  sockets: "/d/s",
  bun: "/opt/bun",
  ttyGid: 105,
};
const MOUNT_INFO = [
  "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw",
  "23 22 254:1 / /d rw,nosuid,nodev,noatime - ext4 /dev/vdb rw",
  "24 22 254:2 / /usr/local rw,relatime - ext4 /dev/vdc rw",
  "25 22 254:3 / /usr/share/odd\\040name rw,noexec - ext4 /dev/vdd rw",
].join("\n");

function rows(places: ContainerPlaces = PLACES): Map<string, string> {
  const text = containerFstab(places, { mountInfo: MOUNT_INFO, shared: ["/usr"], exists: () => true });
  return new Map(
    text
      .trim()
      .split("\n")
      .map((row) => [row.split(" ")[1] ?? "", row]),
  );
}

test("only the workspace, the sockets and scratch memory can be written", () => {
  const writable = [...rows()]
    .filter(([, row]) => !(row.split(" ")[3] ?? "").split(",").includes("ro"))
    .map(([target]) => target.replace("/d/root", ""));
  const devices = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];
  const hidden = ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug"];
  expect(writable.toSorted()).toEqual(
    ["/proc", ...hidden, ...devices, "/dev/pts", "/dev/shm", "/tmp", "/run/buntime", "/workspace"].toSorted(),
  );
});

test("what is mounted below a shared directory is read-only too, whatever its name", () => {
  expect(rows().get("/d/root/usr")).toBe("/usr /d/root/usr none rbind,ro,nosuid,nodev 0 0");
  expect(rows().get("/d/root/usr/local")).toContain("bind,ro");
  expect(rows().get("/d/root/usr/share/odd\\040name")).toStartWith("/usr/share/odd\\040name ");
});

test("a bind keeps what the host forbids on its source, or an ordinary user could not make it", () => {
  expect(rows().get("/d/root/workspace")).toBe(
    "/d/my\\040files/w /d/root/workspace none bind,nosuid,nodev,noatime 0 0",
  );
});

test("terminals belong to the container's group tty, where it has one", () => {
  expect(rows().get("/d/root/dev/pts")).toContain("gid=105");
  expect(rows({ ...PLACES, ttyGid: null }).get("/d/root/dev/pts")).not.toContain("gid=");
});

// What code in a session can and cannot reach, as root's engine and as an ordinary user's.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import type { TestEngine } from "../../support/engine.ts";
import { HOSTS, startEngineOn } from "./hosts.ts";
import { Machine } from "./machine.ts";

for (const host of HOSTS) {
  describe.skipIf(host.missing !== null)(`an engine started ${host.name}`, () => {
    let engine: TestEngine;
    let one: Machine;
    let other: Machine;

    beforeAll(async () => {
      engine = await startEngineOn(host);
      [one, other] = await Promise.all([Machine.start(engine), Machine.start(engine)]);
    });
    afterAll(() => engine.stop());

    test("gives every session its own port 8080", async () => {
      const serve = (text: string) => `Bun.serve({ port: 8080, fetch: () => new Response(${JSON.stringify(text)}) })`;
      const addresses = await Promise.all([one.serve(serve("one"), 8080), other.serve(serve("other"), 8080)]);
      const answers = addresses.map(async (address) => await (await fetch(`http://${address}/`)).text());
      expect(await Promise.all(answers)).toEqual(["one", "other"]);
    });

    test("gives every session its own /workspace, /tmp and /dev/shm", async () => {
      await one.run("echo mine | tee /workspace/file /tmp/file /dev/shm/file");
      expect((await other.run("ls /workspace /tmp /dev/shm")).stdout).not.toContain("file");
    });

    test("shows a session no process but its own", async () => {
      const { stdout } = await one.run(
        "ls -d /proc/[0-9]* | wc -l; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '",
      );
      expect(Number(stdout.split("\n")[0])).toBeLessThan(20);
      expect(stdout).not.toContain("container/engine/main.ts");
    });

    test("shows a session nothing of the host's files, and no secret of its own supervisor", async () => {
      const paths = [
        engine.dataDir,
        "/etc/shadow",
        "/home/*",
        "/root/*",
        "/var/lib",
        "/sys/kernel",
        import.meta.dir,
        "/run/buntime/*",
      ];
      for (const path of paths) expect((await one.run(`ls -d ${path}`)).exitCode).not.toBe(0);
      expect((await one.run("cat /proc/1/environ /proc/self/environ /proc/[0-9]*/environ")).stdout).not.toContain(
        "BUNTIME_TOKEN",
      );
    });

    test("keeps a session from the host's loopback, directly and through the proxy", async () => {
      const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("secret of the host") });
      const ask = `bun -e 'const r = await fetch("http://127.0.0.1:${server.port}/"); console.log(await r.text(), r.status)'`;
      const direct = await one.run(ask);
      expect(direct).toMatchObject({ stdout: "", exitCode: 1 });
      expect(direct.stderr).toContain("ECONNREFUSED");
      const proxied = await one.run(`NO_PROXY= no_proxy= ${ask}`);
      expect(proxied.stdout).toContain("sessions may not connect to 127.0.0.1");
      expect(proxied.stdout).toEndWith(" 403\n");
      await server.stop(true);
    });

    test("refuses to resolve a name for whoever asks by himself, rather than let him wait", async () => {
      const ask = "require('dns').resolve4('example.com', (error) => console.log(error.code))";
      expect((await one.run(`bun -e "${ask}"`)).stdout).toBe("ECONNREFUSED\n");
    });

    test("runs nothing of a session as the host's root", async () => {
      await one.run("touch /workspace/owned");
      const { uid } = statSync(join(engine.dataDir, "engine", one.id, "workspace/owned"));
      expect(uid).toBeGreaterThan(host.kind === "range" ? 65_535 : 0);
    });

    test.each([
      ["write to /usr", "touch /usr/file || echo x > /usr/bin/env"],
      ["write to /etc", "echo x >> /etc/passwd"],
      ["make /usr writable", "mount -o remount,rw /usr"],
      ["uncover what is mounted over", "umount /proc/sys || umount -l /usr"],
      [
        "change the kernel's settings",
        "echo 1 > /proc/sys/kernel/ns_last_pid || echo 1 > /proc/sys/net/ipv4/ip_forward",
      ],
      ["trigger a sysrq", "echo h > /proc/sysrq-trigger"],
      ["make a device", "mknod /workspace/disk b 8 0 || mknod /tmp/mem c 1 1"],
      ["enter init's namespaces", "nsenter --target 1 --mount --net true"],
      ["look at init's memory", "head -c 1 /proc/1/mem || ls /proc/1/root/run/buntime/"],
      ["reach the supervisor's sockets", "ls /run/buntime/*.sock"],
      ["configure the network", "ip link set lo down"],
    ])("does not let a session %s", async (_, command) => {
      expect((await one.run(command)).exitCode).not.toBe(0);
      expect((await one.run("echo alive")).stdout).toBe("alive\n");
    });

    test("does not let a session end its init", async () => {
      const bootId = await one.bootId();
      await one.run("kill -KILL 1; kill -TERM 1; kill -SEGV 1");
      expect(await one.bootId()).toBe(bootId);
      expect((await one.run("echo alive")).stdout).toBe("alive\n");
    });

    test("gives user code no capability", async () => {
      const { stdout } = await one.run("grep -E 'CapEff|CapPrm|NoNewPrivs' /proc/self/status");
      expect(stdout.replaceAll("\t", " ")).toBe("CapPrm: 0000000000000000\nCapEff: 0000000000000000\nNoNewPrivs: 1\n");
    });

    test("lets a session start 500 processes, bounds them well below the machine's, and keeps no core files", async () => {
      const { stdout } = await one.run(
        "for i in $(seq 500); do sleep 1 & done; wait; echo done; cat /proc/self/limits",
      );
      expect(stdout).toStartWith("done\n");
      expect(Number(/Max processes +(\d+)/.exec(stdout)?.[1])).toBeLessThanOrEqual(4096);
      expect(stdout).toMatch(/Max core file size +0 +0/);
    });

    test("offers the devices, links and names that programs expect", async () => {
      const { stdout, exitCode } = await one.run(
        "echo x > /dev/null && head -c 1 /dev/urandom > /dev/null && cat /dev/fd/0 < /etc/hostname && cat /etc/hosts && bun --version && bunx --version && test -e /dev/ptmx && hostname",
      );
      expect(exitCode).toBe(0);
      expect(stdout).toContain("127.0.0.1 localhost");
      expect(stdout).toEndWith("buntime\n");
    });
  });
}

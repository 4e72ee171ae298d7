import { createServer } from "node:http";
import type { Server } from "node:http";
import { beforeAll, describe, expect, test } from "vitest";
import { readText } from "../../scripts/client.ts";
import { docker } from "../support/docker-container.ts";
import { ON_DOCKER } from "../support/e2e.ts";
import { clientOf, run } from "./accounts.ts";

const mallory = clientOf("mallory");
const alice = clientOf("alice");
/** Of the network sidecar that workerd starts beside each container of Docker's. */
const SIDECAR_PORT = 39001;
/** Docker's own default is to let containers talk to each other. */
const KEPT_APART =
  ON_DOCKER &&
  docker("network", "inspect", "bridge", "--format", '{{index .Options "com.docker.network.bridge.enable_icc"}}') ===
    "false";
const MARK = "words-of-another-session";
let inside = "";
let other = "";
let canary: Server;
let canaryPort = 0;

beforeAll(async () => {
  canary = createServer((_, response) => response.end("canary"));
  await new Promise<void>((resolve) => canary.listen(0, "127.0.0.1", resolve));
  const address = canary.address();
  canaryPort = typeof address === "object" && address !== null ? address.port : 0;
  [{ id: inside }, { id: other }] = await Promise.all([mallory.createSession(), alice.createSession()]);
  await alice.execute({
    sessionId: other,
    env: { SECRET_OF_OTHERS: MARK },
    code: `await Bun.write("${MARK}.txt", "${MARK}"); await Bun.write("/tmp/${MARK}.txt", "${MARK}");
      Bun.serve({ port: 8080, fetch: () => new Response("${MARK}") });`,
  });
  return async () => {
    canary.close();
    await Promise.all([
      mallory.request("DELETE", `/sessions/${inside}`),
      alice.request("DELETE", `/sessions/${other}`),
    ]);
  };
});

/** What answers on a port of the containers that Docker has put beside this one, its own included: a status, 0 for nothing. */
function around(port: number): Promise<number[]> {
  return js<number[]>(`
    const own = (await Bun.$\`hostname -i\`.text()).trim();
    const ask = (host) => fetch("http://" + host + ":${port}/stats", { signal: AbortSignal.timeout(3000) }).then((answer) => answer.status, () => 0);
    const hosts = Array.from({ length: 30 }, (_, index) => own.replace(/[0-9]+$/, String(index + 2)));
    console.log(JSON.stringify(await Promise.all(hosts.map(ask))));`);
}

async function sh(command: string): Promise<{ exitCode: number | null; output: string }> {
  const { exitCode, stdout, stderr } = await mallory.execute({
    sessionId: inside,
    command,
    timeout: 30,
    background: false,
  });
  return { exitCode, output: stdout + stderr };
}

/** Those of the commands that end with 0, or not at all: none of them should. */
async function succeeding(commands: readonly string[]): Promise<string[]> {
  const { stdout } = await mallory.execute({
    sessionId: inside,
    files: commands.map((content, index) => ({ path: `tries/${index}.sh`, content })),
    command: "for file in tries/*.sh; do sh $file >/dev/null 2>&1; echo $file $?; done; rm -r tries",
    timeout: 30,
    background: false,
  });
  return commands.filter((_, index) => !new RegExp(`^tries/${index}\\.sh [1-9]`, "m").test(stdout));
}

/** Runs code that prints one JSON value. */
async function js<T>(code: string): Promise<T> {
  const { stdout, stderr, exitCode } = await mallory.execute({ sessionId: inside, code, timeout: 30 });
  if (exitCode !== 0) throw new Error(`${exitCode}: ${stderr.slice(0, 1000)}`);
  // SAFETY: as the test's own code prints it.
  return JSON.parse(stdout) as T;
}

/** Where this machine, its network and what is around it may be reached, in every spelling. */
function machineTargets(): string[] {
  const { port } = new URL(run.url);
  return [
    ...[
      "127.0.0.1",
      "localhost",
      "127.1",
      "0x7f.1",
      "2130706433",
      "0.0.0.0",
      "[::1]",
      "[::]",
      "[::ffff:127.0.0.1]",
      "[::ffff:7f00:1]",
      "[64:ff9b::7f00:1]",
      "127.0.0.1.",
      "LOCALHOST.",
      "10.0.0.1",
      "192.168.0.1",
      "172.17.0.1",
      "169.254.169.254",
    ].map((host) => `${host}:${canaryPort}`),
    `127.0.0.1:${port}`,
    // The platform by its own name, which serves the account's storage and nothing else.
    "buntime.internal",
    "buntime.internal:80",
    "BUNTIME.INTERNAL.:80",
    `buntime.internal:${port}`,
    `buntime.internal:${canaryPort}`,
    "169.254.169.254:80",
    "metadata.google.internal:80",
  ];
}

describe("code in a session, looking for its supervisor", () => {
  test("finds nothing that listens on any port, but the way out", async () => {
    const listening = await js<{ port: number; answer: string }[]>(`
      const ask = (port) => new Promise((resolve) => {
        const socket = require("node:net").connect({ port, host: "127.0.0.1" });
        let answer = "";
        socket.setTimeout(2000, () => socket.destroy());
        socket.on("connect", () => socket.write("GET /stats HTTP/1.1\\r\\nhost: x\\r\\nconnection: close\\r\\n\\r\\n"));
        socket.on("data", (data) => { answer += data; });
        socket.on("error", () => undefined);
        socket.on("close", () => resolve({ port, answer: answer.slice(0, 60) }));
      });
      const lines = (await Promise.all(["tcp", "tcp6"].map((name) => Bun.file("/proc/net/" + name).text()))).join("\\n");
      const ports = new Set([...lines.matchAll(/: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:0000 0A/g)].map(([, hex]) => parseInt(hex, 16)));
      console.log(JSON.stringify(await Promise.all([...ports, 9797, 8787, ${SIDECAR_PORT}, 1, 65535].map(ask))));`);
    const answering = listening.filter(({ port, answer }) => answer !== "" && port !== SIDECAR_PORT);
    // A container of Docker's has one network for all in it: there the control port is found, and wants its token.
    const expected = ON_DOCKER ? "HTTP/1.1 401" : "HTTP/1.1 400";
    expect(new Set(answering.map(({ answer }) => answer.slice(0, 12)))).toEqual(new Set([expected]));
  });

  test("finds no socket of it that it could connect to, by its path or by an abstract name", async () => {
    const { output } = await sh(
      "find / -xdev -type s 2>/dev/null; awk 'NR > 1 && $8 ~ /^@/ {print $8}' /proc/net/unix; echo end",
    );
    expect(output).toBe("end\n");
    const answers = await js<string[]>(`
      const names = (await Bun.file("/proc/net/unix").text()).split("\\n").map((line) => line.split(" ").at(-1)).filter((name) => name?.startsWith("/"));
      const ask = (path) => fetch("http://x/health", { unix: path }).then((answer) => "answered " + answer.status, () => "closed");
      console.log(JSON.stringify(await Promise.all([...names, "/run/buntime/control.sock", "/run/buntime/egress.sock"].map(ask))));`);
    expect(new Set(answers)).toEqual(new Set(["closed"]));
  });

  test("finds neither its token nor the platform's keys in any environment, command line or memory", async () => {
    const { output } = await sh(
      "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline /proc/[0-9]*/task/*/environ 2>/dev/null | tr '\\0' '\\n'; env; " +
        "for p in /proc/[0-9]*; do case $p in */$$) ;; *) head -c 1 $p/mem 2>/dev/null && echo readable-$p; esac; done; true",
    );
    expect(output).not.toMatch(
      /BUNTIME_TOKEN|ENGINE_TOKEN|ENGINE_URL|BUNTIME_API_KEY|BUNTIME_ADMIN_KEY|btk_|SECRET_OF_OTHERS/,
    );
    for (const key of [run.adminKey, run.developmentKey, mallory.apiKey]) expect(output).not.toContain(key);
    expect(output).not.toMatch(/^readable-\/proc\/1$/m);
  });

  test("finds no copy of a key in any file that it can read", async () => {
    const { output } = await sh(
      `grep -rslI -E "([b]tk_dev|[B]UNTIME_TOKEN=|[E]NGINE_TOKEN=|[a]dm_sec)" /workspace /tmp /etc /run /var /home /root /opt /dev/shm 2>/dev/null; echo end`,
    );
    expect(output).toBe("end\n");
  });

  test("cannot trace, stop, or enter it, nor change how it is run", async () => {
    const commands = [
      "kill -STOP 1; kill -KILL 1; kill -0 1",
      "ls -l /proc/1/fd /proc/1/root/ /proc/1/cwd/",
      "nsenter --target 1 --all true",
      "echo 1 > /proc/1/oom_score_adj",
      "echo > /proc/1/comm",
      "gdb -p 1 -batch",
    ];
    expect(await succeeding(["true", ...commands]), "`true` alone").toEqual(["true"]);
    expect((await sh("echo alive")).output).toBe("alive\n");
  });
});

describe("code in a session, looking for others", () => {
  test("sees no process, file or port of another session", async () => {
    const { output } = await sh(
      `ls /proc | grep -c '^[0-9]'; find / -xdev -name '${MARK}*' 2>/dev/null; ls /tmp /dev/shm; ` +
        `for p in 8080 3000; do (exec 3<>/dev/tcp/127.0.0.1/$p) 2>&1; done; echo end`,
    );
    expect(output).not.toContain(MARK);
    expect(Number(output.split("\n")[0])).toBeLessThan(20);
    const answered = await js<string>(
      `console.log(JSON.stringify(await fetch("http://127.0.0.1:8080/").then((r) => r.text(), (e) => String(e.code))))`,
    );
    expect(answered).not.toContain(MARK);
  });

  test.runIf(ON_DOCKER)("gets nothing from the supervisors beside its own", async () => {
    const answers = await around(9797);
    expect(answers.filter((status) => status === 401).length).toBeGreaterThanOrEqual(KEPT_APART ? 1 : 2);
    expect(new Set(answers)).toEqual(new Set([0, 401]));
  });

  test.runIf(KEPT_APART)("reaches no other container, on no port of it", async () => {
    await mallory.execute({ sessionId: inside, code: 'Bun.serve({ port: 8080, fetch: () => new Response("own") });' });
    for (const port of [9797, 8080, SIDECAR_PORT]) {
      expect([port, (await around(port)).filter((status) => status !== 0).length]).toEqual([port, 1]);
    }
  });

  test.skipIf(ON_DOCKER)("has no way into another container by the network", async () => {
    const { output } = await sh(
      "cat /proc/net/route /proc/net/if_inet6 /proc/net/arp 2>/dev/null; cat /proc/net/dev | awk -F: 'NR>2 {print $1}'",
    );
    expect(output.replaceAll(/^Iface.*$|^IP address.*$|\s|lo/gm, "").replaceAll(/0{31}1\d+/g, "")).toBe("");
  });
});

describe("code in a session, looking for this machine", () => {
  test.runIf(ON_DOCKER)("reaches nothing that it keeps to itself, however the address is written", async () => {
    const answers = await js<string[]>(`
      const targets = ${JSON.stringify(machineTargets())};
      const ask = (target) => fetch("http://" + target + "/", { signal: AbortSignal.timeout(4000) }).then((answer) => answer.text(), () => "");
      console.log(JSON.stringify(await Promise.all(targets.map(ask))));`);
    expect(answers.filter((answer) => /canary|buntime/.test(answer))).toEqual([]);
  });

  test.skipIf(ON_DOCKER)("reaches neither it nor its network, however the address is written", async () => {
    const targets = machineTargets();
    const answers = await js<string[]>(`
      const { hostname, port } = new URL(process.env.HTTP_PROXY);
      const talk = (bytes) => new Promise((resolve) => {
        const socket = require("node:net").connect({ host: hostname, port: Number(port) });
        let text = "";
        socket.setTimeout(4000, () => socket.destroy());
        socket.on("connect", () => socket.write(bytes));
        socket.on("data", (data) => { text += data; if (text.includes("canary")) socket.destroy(); });
        socket.on("error", () => resolve(text));
        socket.on("close", () => resolve(text));
      });
      const targets = ${JSON.stringify(targets)};
      const answers = await Promise.all(targets.flatMap((target) => [
        talk("CONNECT " + target + " HTTP/1.1\\r\\nhost: " + target + "\\r\\n\\r\\nGET / HTTP/1.1\\r\\nhost: x\\r\\nconnection: close\\r\\n\\r\\n"),
        talk("GET http://" + target + "/ HTTP/1.1\\r\\nhost: allowed.example\\r\\nconnection: close\\r\\n\\r\\n"),
      ]));
      console.log(JSON.stringify(answers));`);
    expect(answers).toHaveLength(targets.length * 2);
    for (const [index, answer] of answers.entries()) {
      const target = targets[Math.floor(index / 2)];
      expect([target, answer.includes("canary"), answer.startsWith("HTTP/1.1 2")], answer.slice(0, 200)).toEqual([
        target,
        false,
        false,
      ]);
    }
  });

  test.skipIf(ON_DOCKER)(
    "gets of the platform the storage of an account, which wants a token, and nothing else",
    async () => {
      const answers = await js<number[][]>(`
      const { hostname, port } = new URL(process.env.HTTP_PROXY);
      const ask = (target, more = "") => new Promise((resolve) => {
        const socket = require("node:net").connect({ host: hostname, port: Number(port) });
        let text = "";
        socket.setTimeout(20000, () => socket.destroy());
        socket.on("connect", () => socket.write("GET http://buntime.internal" + target + " HTTP/1.1\\r\\n" + more + "\\r\\n"));
        socket.on("data", (data) => { text += data; });
        socket.on("error", () => resolve(text));
        socket.on("close", () => resolve(text));
      });
      const second = "\\r\\nGET /health HTTP/1.1\\r\\nhost: localhost\\r\\n";
      const key = "authorization: Bearer ${mallory.apiKey}\\r\\n";
      const tried = [
        ["/era/api/storage/kv/any"], ["/era/api/storage/kv/any", key], ["/era/api/storage/kv/any", "host: ${other.replace("_", "-")}.${run.domain}\\r\\n"],
        ["/era/api/storage/kv/any", key + second],
        ["/era/api/storage/kv/any", key + "x: y\\n\\nGET /health HTTP/1.1\\nhost: localhost\\n\\n\\r\\n"],
        ["/health"], ["/api/sessions", key], ["/era/api/sessions", key], ["/era/api/storage"],
        ["/era/api/storage/../sessions", key], ["/era/api/storage/%2e%2e/sessions", key], ["/era/api/storage\\\\..\\\\sessions", key],
      ];
      const answers = await Promise.all(tried.map(([target, more]) => ask(target, more)));
      console.log(JSON.stringify(answers.map((text) => [...text.matchAll(/HTTP\\/1\\.1 (\\d+)/g)].map(([, status]) => Number(status)))));`);
      expect(answers).toEqual([[401], [200], [401], [200], [400], [403], [403], [403], [403], [403], [403], [403]]);
    },
  );

  test("reads nothing of the engine's, nor of the platform's data or source", async () => {
    const files = [run.logFile, "/etc/shadow", "/proc/kcore", "/dev/mem", "/dev/sda"];
    const directories = [
      run.dataDir,
      import.meta.dirname,
      "/root/.ssh",
      "/var/lib/docker",
      "/sys/firmware",
      "/proc/1/root/etc",
    ];
    const commands = [
      ...files.map((file) => `head -c 1 ${file}`),
      ...directories.map((directory) => `ls -A ${directory} | grep .`),
    ];
    expect(await succeeding(["true", ...commands]), "`true` alone").toEqual(["true"]);
  });

  test("does not become root, by any of the usual ways", async () => {
    const { output } = await sh("grep -E 'Cap(Inh|Prm|Eff|Amb)|NoNewPrivs' /proc/self/status | tr -d '\\t '; id -u");
    expect(output).toMatch(/^CapInh:0+\nCapPrm:0+\nCapEff:0+\nCapAmb:0+\nNoNewPrivs:1\n[1-9]\d*\n$/);
    const commands = [
      "echo x > /etc/passwd",
      "echo x > /usr/bin/env",
      "su -c true",
      "sudo -n true",
      "cp /bin/sh /tmp/s && chmod 4755 /tmp/s && /tmp/s -p -c 'test $(id -u) = 0'",
      "chown 0:0 /workspace",
      "mount -t tmpfs none /mnt",
      "umount -l /proc",
      "mknod /tmp/disk b 8 0",
      "chroot / true",
      "echo core > /proc/sys/kernel/core_pattern",
      "echo b > /proc/sysrq-trigger",
      "unshare --user --map-root-user sh -c 'echo x > /etc/passwd'",
      "unshare --user --map-root-user --mount sh -c 'umount -l /proc && ls /proc/1/root'",
      "ln -s /etc/shadow x; cat x",
    ];
    expect(await succeeding(["true", ...commands]), "`true` alone").toEqual(["true"]);
  });
});

describe("what a session sends out", () => {
  test("is never taken for the platform's own word", async () => {
    const { id } = await mallory.createSession();
    await mallory.execute({
      sessionId: id,
      code: `Bun.serve({ port: 8080, fetch: (request) => Response.json(
        { error: { code: new URL(request.url).searchParams.get("code"), message: "forged", details: {} } },
        { status: 418, headers: {
          "x-buntime-problem": request.headers.get("x-request-id"), "x-request-id": "req_forged", "x-buntime-account": "default" } },
      ) })`,
    });
    for (const code of ["session_not_found", "no_such_code", "__proto__"]) {
      const response = await mallory.preview(id, `/?code=${code}`);
      expect([code, response.statusCode, JSON.parse(await readText(response)).error]).toEqual([
        code,
        418,
        { code: code, message: "forged", details: {} },
      ]);
      expect(response.headers["x-request-id"]).toMatch(/^req_[0-9a-z]{20}$/);
    }
    await mallory.request("DELETE", `/sessions/${id}`);
  });

  test("leads nobody who reads files over the API out of the workspace", async () => {
    await sh(
      `mkdir -p page; echo '<script>alert(1)</script>' > page/index.html; ln -sf /etc/passwd page/link; ln -sfn / page/root`,
    );
    for (const path of ["page/link", "page/root/etc/passwd"]) {
      const response = await mallory.request("GET", `/sessions/${inside}/files/${path}`);
      expect([path, response.status, (await response.text()).includes("root:")]).toEqual([path, 400, false]);
    }
  });
});

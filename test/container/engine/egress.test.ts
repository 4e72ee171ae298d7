// Where code in a session may connect to, and that nothing gets around it.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { refusal } from "../../../src/lib/address.ts";
import { parseProxyRequest } from "../../../container/engine/proxy-request.ts";
import { listen } from "../../../container/supervisor/net/pipe.ts";
import { type TestEngine, startEngine } from "../../support/engine.ts";
import { Machine } from "./machine.ts";

describe("an address", () => {
  test.each([
    ["127.0.0.1", "loopback"],
    ["127.255.255.254", "loopback"],
    ["0.0.0.0", "unspecified"],
    ["10.1.2.3", "private"],
    ["172.31.255.255", "private"],
    ["192.168.0.1", "private"],
    ["100.64.0.1", "carrier-grade NAT"],
    ["169.254.169.254", "link-local"],
    ["224.0.0.251", "multicast"],
    ["255.255.255.255", "reserved"],
    ["::", "unspecified"],
    ["::1", "loopback"],
    ["fe80::1%eth0", "link-local"],
    ["fd00::2", "private"],
    ["ff02::1", "multicast"],
    ["::ffff:127.0.0.1", "loopback"],
    ["::ffff:7f00:1", "loopback"],
    ["64:ff9b::a00:1", "private"],
    ["2002:7f00:1::", "tunnel"],
    ["198.51.100.7", "this machine's own"],
    ["8.8.8.8", null],
    ["172.32.0.1", null],
    ["2606:4700::1111", null],
    ["64:ff9b::808:808", null],
  ])("%s: %p", (address, why) => {
    expect(refusal(address, ["198.51.100.7"])).toBe(why);
  });
});

describe("a proxy request", () => {
  const parse = (text: string) => parseProxyRequest(Buffer.from(text))?.value ?? null;

  test("CONNECT goes to its host, with an IPv6 address out of its brackets", () => {
    expect(parse("CONNECT Example.com.:443 HTTP/1.1\r\n\r\n")).toMatchObject({
      host: "example.com",
      port: 443,
      tunnel: true,
    });
    expect(parse("CONNECT [::1]:443 HTTP/1.1\r\n\r\n")).toMatchObject({ host: "::1", port: 443 });
  });

  test("an http URL becomes one request to its origin, without what was meant for the proxy", () => {
    const request = parse(
      "GET http://a.example:81/x?y HTTP/1.1\r\nhost: a.example:81\r\nProxy-Connection: keep-alive\r\n\r\nrest",
    );
    if (request === null || request === "invalid") throw new Error("not understood");
    expect(request).toMatchObject({ host: "a.example", port: 81, tunnel: false });
    expect(request.forOrigin()).toBe("GET /x?y HTTP/1.1\r\nhost: a.example:81\r\nconnection: close\r\n\r\n");
    expect(request.forProxy("Basic eA==")).toContain("proxy-authorization: Basic eA==\r\n\r\n");
  });

  test("goes with the host of its URL, and the path as it is resolved, whatever else it says", () => {
    const request = parse("GET http://a.example/b/../c%2f HTTP/1.1\r\nHOST : b.example\r\nhost: c.example\r\n\r\n");
    if (request === null || request === "invalid") throw new Error("not understood");
    expect(request).toMatchObject({ host: "a.example", path: "/c%2f" });
    expect(request.forOrigin()).toBe("GET /c%2f HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n\r\n");
  });

  test.each([
    "GET / HTTP/1.1\r\n\r\n",
    "CONNECT a HTTP/1.1\r\n\r\n",
    "CONNECT a@b:1 HTTP/1.1\r\n\r\n",
    "GET https://a/ HTTP/1.1\r\n\r\n",
    "nonsense\r\n\r\n",
    "GET http://a/ HTTP/1.1\r\nx: y\n\nGET /other HTTP/1.1\nhost: b\n\n\r\n\r\n",
    "GET http://a/ HTTP/1.1\nhost: b\r\n\r\n",
    "GET http://a/ HTTP/1.1\r\nx: y\rz: a\r\n\r\n",
    "GET http://a/ HTTP/1.1\r\nx: \0\r\n\r\n",
    "GET http://a/ HTTP/1.1\r\n of the host\r\n\r\n",
    "GET http://a/ HTTP/1.1\r\nno field\r\n\r\n",
    "GE\nT http://a/ HTTP/1.1\r\n\r\n",
  ])("%p is none", (text) => expect(parse(text)).toBe("invalid"));
});

// Sessions see the programs of the host, and here curl is one of them: it alone can be told to tunnel plain HTTP.
describe.skipIf(Bun.which("curl") === null)("a session", () => {
  const target = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => new Response(`hello ${request.method} ${request.url}`),
  });
  const seenByProxy: string[] = [];
  /** Answers everything itself, as if it were the whole internet. */
  const hostProxy = listen({ hostname: "127.0.0.1", port: 0 }, async (client) => {
    const head = await client.take(
      (bytes) => (bytes.includes("\r\n\r\n") ? { value: bytes.toString(), used: bytes.length } : null),
      {
        maxBytes: 9999,
        timeoutMs: 5000,
      },
    );
    seenByProxy.push(head ?? "");
    client.write("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nproxy");
    client.close();
  });
  let engine: TestEngine;
  let machine: Machine;
  let proxied: TestEngine;
  beforeAll(async () => {
    engine = await startEngine({ env: { ENGINE_EGRESS_ALLOW: `other.example, 127.0.0.1:${target.port}` } });
    proxied = await startEngine({
      env: { HTTP_PROXY: `http://me:secret@127.0.0.1:${"port" in hostProxy ? hostProxy.port : 0}` },
    });
    machine = await Machine.start(engine);
  });
  afterAll(async () => {
    await Promise.all([engine.stop(), proxied.stop(), target.stop(true)]);
    hostProxy.stop(true);
  });

  const curl = (options: string) =>
    machine.run(`curl --silent --max-time 5 --noproxy '' --write-out ' %{http_code} %{http_connect}' ${options}`);

  test("reaches what the operator has allowed, by URL and by tunnel", async () => {
    expect((await curl(`http://127.0.0.1:${target.port}/a`)).stdout).toContain(
      `hello GET http://127.0.0.1:${target.port}/a 200`,
    );
    expect((await curl(`--proxytunnel http://127.0.0.1:${target.port}/b`)).stdout).toEndWith(" 200 200");
    expect((await curl(`--data x http://127.0.0.1:${target.port}/c`)).stdout).toContain("hello POST");
  });

  test("has fetch go the same way", async () => {
    const { stdout } = await machine.run(
      `NO_PROXY= no_proxy= bun -e 'console.log(await (await fetch("http://127.0.0.1:${target.port}/d")).text())'`,
    );
    expect(stdout).toContain("hello GET");
  });

  test.each([
    "127.0.0.1:1",
    "0x7f.1",
    "2130706433",
    "127.1",
    "localhost",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "0",
    "169.254.169.254",
    "10.0.0.1",
    "[fd00::1]",
  ])("is refused http://%s/ with a reason it can read", async (host) => {
    const { stdout } = await curl(`--globoff http://${host}/`);
    expect(stdout).toContain("sessions may not connect to");
    expect(stdout).toContain("ENGINE_EGRESS_ALLOW");
    expect(stdout).toEndWith(" 403 000");
    expect((await curl(`--globoff --proxytunnel http://${host}/`)).stdout).toEndWith(" 000 403");
  });

  test("is told when a host does not exist or cannot be reached", async () => {
    expect((await curl("http://no-such-host.invalid/")).stdout).toMatch(/no such host\s+502/);
  });

  test("goes through the host's own proxy, where there is one, and learns no credential of it", async () => {
    const behind = await Machine.start(proxied);
    const { stdout } = await behind.run("curl --silent --max-time 5 http://198.51.100.1/x; env");
    expect(stdout).toStartWith("proxy");
    expect(stdout).not.toContain("secret");
    expect(seenByProxy.at(-1)).toStartWith("GET http://198.51.100.1/x HTTP/1.1\r\n");
    expect(seenByProxy.at(-1)).toContain(`proxy-authorization: Basic ${btoa("me:secret")}`);
    const refused = await behind.run("curl --silent --max-time 5 http://169.254.169.254/latest/meta-data/");
    expect(refused.stdout).toContain("sessions may not connect");
  });

  test("reaches the platform by its own name, where the engine was told of it: the storage of an account, and no port beside it", async () => {
    const told = await startEngine({ env: { ENGINE_PLATFORM: `127.0.0.1:${target.port}` } });
    try {
      const inside = await Machine.start(told);
      const ask = async (options: string) =>
        (
          await inside.run(
            `curl --silent --max-time 5 --noproxy '' --write-out ' %{http_code} %{http_connect}' ${options}`,
          )
        ).stdout;
      expect(await ask("http://buntime.internal/era/api/storage/kv/a?b")).toBe(
        "hello GET http://buntime.internal/era/api/storage/kv/a?b 200 000",
      );
      expect(await ask("-H 'host: ses-x.localhost' http://buntime.internal/era/api/resources/list")).toContain(
        "hello GET http://buntime.internal/era/api/resources/list 200",
      );
      for (const other of [
        "http://buntime.internal/",
        "http://buntime.internal/api/sessions",
        "http://buntime.internal/era/api/sessions",
        "--path-as-is http://buntime.internal/era/api/storage/../../../api/sessions",
        "--path-as-is http://buntime.internal/era/api/storage/%2E%2e/sessions",
        `http://buntime.internal:${target.port}/era/api/storage/kv/a`,
        `http://127.0.0.1:${target.port}/era/api/storage/kv/a`,
        `http://localhost:${target.port}/era/api/storage/kv/a`,
        "http://127.0.0.1:1/era/api/storage/kv/a",
      ]) {
        expect([other, (await ask(other)).slice(-8)]).toEqual([other, " 403 000"]);
      }
      expect(await ask("--proxytunnel http://buntime.internal/era/api/storage/kv/a")).toEndWith(" 000 403");
      expect((await curl("http://buntime.internal/era/api/storage/kv/a")).stdout).toMatch(/no such host\s+502/);
    } finally {
      await told.stop();
    }
  });

  test("that is started without the internet has no proxy, and no socket that leads to one", async () => {
    const closed = await Machine.start(engine, { internet: false });
    const place = `127.0.0.1:${target.port}`;
    const curl = `curl --silent --max-time 5 --noproxy ''`;
    expect((await closed.run("env | grep -i proxy")).stdout).toBe("");
    const sockets = join(engine.dataDir, "engine", closed.id, "state/sockets");
    expect(readdirSync(sockets).toSorted()).toEqual(["control.sock", "ports.sock"]);
    expect((await closed.run(`${curl} http://${place}/`)).exitCode).toBe(7);
    expect((await closed.run(`${curl} --proxy http://127.0.0.1:3128 http://${place}/`)).exitCode).toBe(7);
    expect((await closed.run("curl --silent --max-time 5 http://other.example/")).exitCode).toBe(6);
    const udp = `require("dgram").createSocket("udp4").send("x", 53, "198.51.100.1", (error) => process.exit(error ? 3 : 0))`;
    expect((await closed.run(`bun -e '${udp}'`)).exitCode).toBe(3);
    const inside = await closed.serve(`Bun.serve({ port: 8080, fetch: () => new Response("in") })`, 8080);
    expect(await (await fetch(`http://${inside}/`)).text()).toBe("in");
  });

  test("has no other way out", async () => {
    const { exitCode } = await machine.run("curl --silent --max-time 2 --noproxy '*' http://198.51.100.1/");
    expect(exitCode).toBe(7);
  });
});

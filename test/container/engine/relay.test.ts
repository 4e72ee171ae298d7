// The way from a loopback address into a session's ports: requests go through as they are, but for two fields.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { rewriteAnswer, rewriteRequest } from "../../../container/engine/head.ts";
import { type TestEngine, startEngine } from "../../support/engine.ts";
import { Machine } from "./machine.ts";

const SERVER = `
const big = new Uint8Array(100 * 1024 * 1024);
Bun.serve({
  port: 8080,
  maxRequestBodySize: 1e9,
  async fetch(request, server) {
    const { pathname } = new URL(request.url);
    if (pathname === "/socket") return server.upgrade(request) ? undefined : new Response("no", { status: 400 });
    if (pathname === "/big") return new Response(big);
    if (pathname === "/count") {
      let bytes = 0;
      for await (const chunk of request.body ?? []) bytes += chunk.length;
      return new Response(String(bytes));
    }
    return Response.json({ method: request.method, url: request.url, headers: Object.fromEntries(request.headers) });
  },
  websocket: { message: (socket, message) => void socket.send(message) },
});`;

let engine: TestEngine;
let machine: Machine;
let address: string;
beforeAll(async () => {
  engine = await startEngine();
  machine = await Machine.start(engine);
  address = await machine.serve(SERVER, 8080);
});
afterAll(() => engine.stop());

test("a server inside sees the client's host name and a connection for one request", async () => {
  const headers = { "x-buntime-host": "ses-1.example.com", "x-own": "kept", connection: "keep-alive" };
  const seen: unknown = await (await fetch(`http://${address}/path?q=1`, { headers })).json();
  expect(seen).toMatchObject({
    url: "http://ses-1.example.com/path?q=1",
    headers: { host: "ses-1.example.com", connection: "close", "x-own": "kept" },
  });
  expect(JSON.stringify(seen)).not.toContain("x-buntime-host");
});

test("a WebSocket goes through, both kinds of message", async () => {
  const socket = new WebSocket(`ws://${address}/socket`);
  socket.binaryType = "arraybuffer";
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  const next = () =>
    new Promise<unknown>((resolve) => socket.addEventListener("message", ({ data }) => resolve(data), { once: true }));
  let answer = next();
  socket.send("text");
  expect(await answer).toBe("text");
  answer = next();
  socket.send(new Uint8Array([0, 255]));
  expect(await answer).toEqual(new Uint8Array([0, 255]).buffer);
  socket.close();
});

test("100 MB go through whole, down and up", async () => {
  expect((await (await fetch(`http://${address}/big`)).arrayBuffer()).byteLength).toBe(100 * 1024 * 1024);
  const body = new Uint8Array(100 * 1024 * 1024);
  expect(await (await fetch(`http://${address}/count`, { method: "POST", body })).text()).toBe(String(body.length));
});

test("a port on which nothing listens closes the connection without an answer", async () => {
  expect(await fetch(`http://${await machine.address(8081)}/`).catch(() => "closed")).toBe("closed");
});

test("a server that listens on ::1 only is reached too", async () => {
  const six = await machine.serve(`Bun.serve({ port: 8082, hostname: "::1", fetch: () => new Response("six") })`, 8082);
  expect(await (await fetch(`http://${six}/`)).text()).toBe("six");
});

test("the same port has the same address, and no address when the container is gone", async () => {
  expect(await machine.address(8080)).toBe(address);
  const other = await Machine.start(engine);
  const itsAddress = await other.address(8080);
  await other.call("DELETE", "");
  expect(await fetch(`http://${itsAddress}/`).catch(() => "closed")).toBe("closed");
  expect((await other.call("POST", "/ports/8080")).status).toBe(503);
});

test("a head larger than 64 KB is not let in", async () => {
  const [host = "", port = ""] = address.split(":");
  const socket = connect({ host, port: Number(port) });
  const closed = new Promise((resolve) => socket.on("error", () => {}).on("close", resolve));
  socket.write(`GET / HTTP/1.1\r\nx: ${"a".repeat(70_000)}`);
  await closed;
});

test("a thousand requests of every kind, one after the other, all get their answer", async () => {
  for (let i = 0; i < 1000; i++) {
    const method = ["GET", "POST", "HEAD", "PUT"][i % 4] ?? "GET";
    expect((await fetch(`http://${address}/`, { method })).status).toBe(200);
  }
});

describe("a request's head", () => {
  const END = "\r\n\r\n";
  test.each([
    [
      "gets the client's host in the place of the one that the connection was made to",
      "GET / HTTP/1.1\r\nHost: 127.0.0.1:5\r\nX-Buntime-Host: ses-1.example.com\r\naccept: */*",
      "GET / HTTP/1.1\r\nhost: ses-1.example.com\r\naccept: */*\r\nconnection: close",
    ],
    [
      "stays an upgrade if it is one",
      "GET / HTTP/1.1\r\nhost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket",
      "GET / HTTP/1.1\r\nhost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket",
    ],
  ])("%s", (_, before, after) => {
    const bytes = Buffer.from(`${before}${END}x-buntime-host: body${END}`);
    expect(rewriteRequest(bytes)).toEqual({ value: Buffer.from(after + END), used: before.length + 4 });
    expect(rewriteRequest(Buffer.from(`${before}\r\n`))).toBeNull();
  });
});

describe("an answer's head", () => {
  test.each([
    [
      "says that the connection closes",
      "HTTP/1.1 200 OK\r\nconnection: keep-alive\r\na: b\r\n\r\n",
      "HTTP/1.1 200 OK\r\na: b\r\nconnection: close\r\n\r\n",
      false,
    ],
    ["may be followed by another", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", true],
    [
      "switches protocols as the server said",
      "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n\r\n",
      false,
    ],
    [
      "may have its lines end with a line feed alone",
      "HTTP/1.0 200 OK\na: b\n\n",
      "HTTP/1.0 200 OK\r\na: b\r\nconnection: close\r\n\r\n",
      false,
    ],
    ["goes through as it is when it is no HTTP", "SSH-2.0-x\r\n", "SSH-2.0-x\r\n", false],
  ])("%s", (_, before, after, interim) => {
    expect(rewriteAnswer(Buffer.from(before))).toEqual({
      value: { head: Buffer.from(after), interim },
      used: before.length,
    });
  });

  test("is waited for until it is complete", () => {
    expect(rewriteAnswer(Buffer.from("HTT"))).toBeNull();
    expect(rewriteAnswer(Buffer.from("HTTP/1.1 200 OK\r\n"))).toBeNull();
  });
});

import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { otherNode, Project } from "./project.ts";

const API_KEY = "btk_package0000000000000";

test("`npx buntime --version` says the version that was installed", async () => {
  const project = new Project("bare");
  const manifest = readFileSync(path.join(project.home, "node_modules/buntime/package.json"), "utf8");
  const { status, stdout } = await project.run("npx", ["--no-install", "buntime", "--version"]);
  expect([status, stdout.trim()]).toEqual([0, JSON.parse(manifest).version]);
});

test.skipIf(otherNode(20) === null)("the command starts under Node 20", async () => {
  const project = new Project("bare");
  const main = path.join(project.home, "node_modules/buntime/dist/cli/main.js");
  const { status, stdout, stderr } = await project.run(otherNode(20) ?? "", [main, "--help"]);
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toContain("buntime");
});

test("`buntime dev` answers, and ends with 0 when it is told to", async () => {
  const project = new Project("full");
  const dev = project.start("buntime", ["dev"], {
    env: {
      PORT: "0",
      BUNTIME_DATA_DIR: path.join(project.write({}), "data"),
      BUNTIME_API_KEY: API_KEY,
    },
  });
  const exited = once(dev, "exit");
  onTestFinished(() => void dev.kill("SIGKILL"));
  let stderr = "";
  dev.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: dev.stdout ?? process.stdin }).on("line", (line) => {
      const [found] = /http:\/\/localhost:\d+/.exec(line) ?? [];
      if (found !== undefined) resolve(found);
    });
    void exited.then(() => reject(new Error(`it ended: ${stderr}`)));
  });
  const health = await fetch(`${url}/health`);
  expect(health.status).toBe(200);
  await health.text();
  const reference = await fetch(`${url}/docs`);
  expect([reference.status, await reference.text()]).toEqual([200, expect.stringContaining("<script")]);
  const env = { BUNTIME_BASE_URL: `${url}/api`, BUNTIME_API_KEY: API_KEY };
  const listed = await project.run("buntime", ["sessions", "list", "--json"], { env });
  expect([listed.status, listed.stderr]).toEqual([0, ""]);
  dev.kill("SIGTERM");
  expect(await exited).toEqual([0, null]);
});

test("`buntime dev` without its peers names them, and the command that installs them", async () => {
  const project = new Project("bare");
  const { status, stderr } = await project.run("buntime", ["dev"], {
    env: { PORT: "0", BUNTIME_DATA_DIR: path.join(project.write({}), "data") },
  });
  expect(status).not.toBe(0);
  expect(stderr).toMatch(/npm install --save-dev .*miniflare@/);
});

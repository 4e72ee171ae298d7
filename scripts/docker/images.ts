// The images of sessions on Docker: what building them takes on this machine, which images.sh finds out, the building, and
// their end.
import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import type { ContainerImage } from "../../src/local/parts.ts";
import { ROOT } from "../../src/local/repository.ts";

/** Notes what it builds. */
export const DOCKER = path.join(import.meta.dirname, "docker.sh");

/** Includes installing what the image holds, the first time. */
const BUILD_MS = 600_000;

const run = promisify(execFile);

/**
 * Makes the images available that the build and workerd want, and resolves with the environment to start both in.
 * @throws Error when Docker or an image is not to be had
 */
export async function prepareImages(): Promise<Record<string, string>> {
  const stdout = await stdoutOf(path.join(import.meta.dirname, "images.sh"), []);
  return Object.fromEntries(
    stdout
      .split("\n")
      .filter((line) => line.includes("="))
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}

/** As wrangler builds it. One that SESSION_IMAGES leaves out is not there, and sessions cannot start in it. */
export async function buildImage(
  { name, image }: ContainerImage,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  if (!(process.env["SESSION_IMAGES"]?.split(",").includes(name) ?? true)) return;
  const flags = ["--quiet", "--load", "-t", image, "--platform", "linux/amd64", "--provenance=false"];
  flags.push("--build-arg", `IMAGE=${name}`);
  await stdoutOf(DOCKER, ["build", ...flags, "-f", path.join(ROOT, "container/Dockerfile"), ROOT], env);
}

/** Removes those whose tags a run has noted; other tags of the same image stay, and so does what makes a build quick. */
export async function removeImages(tags: string): Promise<void> {
  const noted = await readFile(tags, "utf8").catch(() => "");
  for (const tag of noted.split("\n").filter((line) => line !== "")) {
    // Gone already, or the daemon: either way there is nothing left to do here.
    await run("docker", ["rmi", "--no-prune", tag]).catch(() => undefined);
  }
  await rm(tags, { force: true });
}

/** @throws Error with what the program said last */
async function stdoutOf(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  try {
    const { stdout } = await run(program, args, { env: { ...process.env, ...env }, timeout: BUILD_MS });
    return stdout;
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trimEnd().split("\n").at(-1) : "";
    throw new Error(said?.replace(/^docker: /, "") || String(error), { cause: error });
  }
}

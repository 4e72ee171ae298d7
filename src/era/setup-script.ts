// The program that sets a session up, run by Bun in the background of the session. Its standard input is a SetupInput; what has
// become of it stands in the file that is named there, replaced as a whole each time. It needs nothing of the platform, so it
// goes on whatever becomes of the request that began it.

/** Of one step. What ERA's documents have. */
const STEP_MS = 300_000;
/** Kept of what the steps print, from the end. */
const TAIL_CHARACTERS = 8192;

export const SETUP_SCRIPT = `
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

const { setup, file } = JSON.parse(await Bun.stdin.text());
const executionId = process.env.BUNTIME_EXECUTION_ID ?? null;
const began = Date.now();
const done = {};
const output = { stdout: "", stderr: "" };

await mkdir(dirname(file), { recursive: true });
await tell("running", null);
const error = await firstFailure();
const result = {
  success: error === null,
  duration_ms: Date.now() - began,
  ...done,
  ...(error === null ? {} : { error }),
  ...output,
};
await tell(error === null ? "completed" : "failed", result);

async function tell(status, result) {
  await writeFile(file + ".new", JSON.stringify({ setup, status, result, executionId }));
  await rename(file + ".new", file);
}

async function firstFailure() {
  for (const { list, name, before, argv } of steps()) {
    await before?.();
    const failure = await run(argv);
    if (failure !== null) {
      return failure;
    }
    (done[list] ??= []).push(...name);
  }
  return null;
}

function* steps() {
  const { pip, npm, go, commands = [] } = setup;
  const install = ["python3", "-m", "pip", "install", "--no-input"];
  if (Array.isArray(pip)) {
    if (pip.length > 0) yield { list: "pip_packages", name: pip, argv: [...install, ...pip] };
  } else if (pip !== undefined) {
    yield {
      list: "pip_packages",
      name: ["requirements.txt"],
      before: () => writeFile("requirements.txt", pip.requirements),
      argv: [...install, "-r", "requirements.txt"],
    };
  }
  if (Array.isArray(npm)) {
    if (npm.length > 0) yield { list: "npm_packages", name: npm, argv: [process.execPath, "add", ...npm] };
  } else if (npm !== undefined) {
    yield {
      list: "npm_packages",
      name: ["package.json"],
      before: () => writeFile("package.json", npm.packageJson),
      argv: [process.execPath, "install"],
    };
  }
  if (Array.isArray(go)) {
    if (go.length > 0) {
      const begin = "[ -e go.mod ] || go mod init session";
      yield { list: "go_modules", name: go, argv: ["sh", "-c", begin + ' && go get "$@"', "sh", ...go] };
    }
  } else if (go !== undefined) {
    yield {
      list: "go_modules",
      name: ["go.mod"],
      before: () => writeFile("go.mod", go.goMod),
      argv: ["go", "mod", "download"],
    };
  }
  for (const command of commands) {
    yield { list: "commands_run", name: [command], argv: ["sh", "-c", command] };
  }
}

async function run(argv) {
  const shown = argv[0] === "sh" ? argv[2] : argv.join(" ");
  let child;
  try {
    child = Bun.spawn(argv, { stdin: "ignore", stdout: "pipe", stderr: "pipe", timeout: ${STEP_MS}, killSignal: "SIGKILL" });
  } catch (error) {
    return shown + " could not be started: " + error.message;
  }
  await Promise.all([collect("stdout", child.stdout), collect("stderr", child.stderr), child.exited]);
  if (child.exitCode === 0) {
    return null;
  }
  const how = child.exitCode === null ? "was ended by " + child.signalCode : "ended with exit code " + child.exitCode;
  return shown + " " + how + (child.signalCode === "SIGKILL" ? ", as what takes longer than ${STEP_MS / 1000} s is" : "");
}

async function collect(stream, chunks) {
  const decoder = new TextDecoder();
  for await (const chunk of chunks) {
    output[stream] = (output[stream] + decoder.decode(chunk, { stream: true })).slice(-${TAIL_CHARACTERS});
  }
}
`;

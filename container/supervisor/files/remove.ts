// Deleting: a link is deleted itself, never what it leads to.
import { lstatSync, rmdirSync, unlinkSync } from "node:fs";
import type { Config } from "../config.ts";
import { spawnIdentity } from "../linux/credentials.ts";
import { SupervisorError } from "../problem.ts";
import { nameOf } from "../../../src/lib/files/paths.ts";
import type { Handle, Workspace } from "./workspace.ts";

export async function remove(
  workspace: Workspace,
  user: Config["user"],
  relative: string,
  options: { readonly recursive: boolean },
): Promise<void> {
  using parent = workspace.parent(relative);
  const name = nameOf(relative);
  const isDirectory = workspace.act(relative, () => lstatSync(parent.at(name)).isDirectory());
  if (!isDirectory) workspace.act(relative, () => unlinkSync(parent.at(name)));
  else if (options.recursive) await removeTree(workspace, user, relative, parent);
  else workspace.act(relative, () => rmdirSync(parent.at(name)));
}

/** `rm` goes from directory to directory by descriptor, and this one begins in the directory that we hold open. */
async function removeTree(workspace: Workspace, user: Config["user"], relative: string, parent: Handle): Promise<void> {
  const name = nameOf(relative);
  const child = Bun.spawn(["rm", "-rf", "--", `./${name}`], {
    ...spawnIdentity(user),
    cwd: parent.link,
    env: { PATH: "/usr/bin:/bin" },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  await child.exited;
  if (workspace.peekAt(parent, name) === null) return;
  throw new SupervisorError("forbidden", `${relative} could not be deleted whole: something in it is closed or in use`);
}

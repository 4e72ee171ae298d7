// Every verb, once: what it is called, what it is for, and where it is. A verb is loaded when it is used.
import type { Command } from "commander";

/** Gives a command its arguments, options, examples and action. */
type Define = (command: Command) => void;

interface Verb {
  readonly summary: string;
  readonly group: "Sessions" | "Running" | "Files" | "Account" | "This machine";
  readonly load: () => Promise<{ readonly define: Define }>;
  /** Options of its own may follow its first argument, for the program that it runs. */
  readonly passThrough?: true;
}

export const VERBS: Readonly<Record<string, Verb>> = {
  sessions: {
    summary: "create, list, look at, fork, open and delete sessions",
    group: "Sessions",
    load: () => import("./verbs/sessions.ts"),
  },
  snapshots: {
    summary: "save a session's files, put them back, compare",
    group: "Sessions",
    load: () => import("./verbs/snapshots.ts"),
  },
  run: {
    summary: "run a local TypeScript or JavaScript file in a session",
    group: "Running",
    load: () => import("./verbs/run.ts"),
    passThrough: true,
  },
  exec: {
    summary: "run a command in a session",
    group: "Running",
    load: () => import("./verbs/exec.ts"),
  },
  contexts: {
    summary: "run code step by step in an interpreter that keeps its variables",
    group: "Running",
    load: () => import("./verbs/contexts.ts"),
  },
  shell: {
    summary: "open a terminal in a session",
    group: "Running",
    load: () => import("./verbs/shell.ts"),
  },
  logs: {
    summary: "show what an execution printed",
    group: "Running",
    load: () => import("./verbs/logs.ts"),
  },
  ps: {
    summary: "list what runs in a session",
    group: "Running",
    load: () => import("./verbs/ps.ts"),
  },
  kill: {
    summary: "end processes of a session",
    group: "Running",
    load: () => import("./verbs/kill.ts"),
  },
  cp: {
    summary: "copy files and folders to a session and back",
    group: "Files",
    load: () => import("./verbs/cp.ts"),
  },
  files: {
    summary: "list, print and remove files of a session",
    group: "Files",
    load: () => import("./verbs/files.ts"),
  },
  keys: {
    summary: "list, create, rotate and revoke API keys",
    group: "Account",
    load: () => import("./verbs/keys.ts"),
  },
  usage: {
    summary: "show what the account has used",
    group: "Account",
    load: () => import("./verbs/usage.ts"),
  },
  events: {
    summary: "follow what happens in the account",
    group: "Account",
    load: () => import("./verbs/events.ts"),
  },
  login: {
    summary: "check an API key and store it on this machine",
    group: "This machine",
    load: () => import("./verbs/login.ts"),
  },
  dev: {
    summary: "run a platform on this machine",
    group: "This machine",
    load: () => import("./verbs/dev.ts"),
  },
  mcp: {
    summary: "speak the Model Context Protocol over stdin and stdout",
    group: "This machine",
    load: () => import("./verbs/mcp.ts"),
  },
  completion: {
    summary: "print what completes commands in bash, zsh or fish",
    group: "This machine",
    load: () => import("./verbs/completion.ts"),
  },
};

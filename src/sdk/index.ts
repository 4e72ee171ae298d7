// The SDK as a package: `import { Buntime } from "buntime"`.
export { Buntime } from "./client.ts";
export type { BuntimeOptions } from "./settings.ts";
export { BuntimeError } from "./error.ts";
export type { BuntimeErrorCode, BuntimeErrorOptions } from "./error.ts";
export { ExecutionStream } from "./execution-stream.ts";
export type { OutputEvent, StreamOptions } from "./execution-stream.ts";
export { SessionHandle } from "./session-handle.ts";
export { Terminal } from "./terminal.ts";
export type { WebSocketConstructor } from "./terminal-socket.ts";
export type { RequestOptions, Retry } from "./transport.ts";
export type { Content, FileToWrite } from "./bytes.ts";
export type { Execute, ExecuteInput, ExecuteResult, StreamInput } from "./resources/execute.ts";
export type { FileEntries, FileStat } from "./resources/files.ts";
export type { FollowEvents } from "./resources/events.ts";
export type { ListSessions } from "./resources/sessions.ts";
export type { OpenTerminalInput } from "./resources/terminals.ts";
export type * from "./contract.ts";

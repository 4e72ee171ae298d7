// The wire's types by plain names: all that the SDK takes from the contract, and types only, so that neither zod nor a
// schema is in what a client runs. What is sent is typed as it may be written, with defaults left out; what is received
// as it comes.
import type * as z from "zod";
import type * as account from "../contract/account.ts";
import type * as run from "../contract/context-run.ts";
import type * as contexts from "../contract/contexts.ts";
import type * as events from "../contract/events.ts";
import type * as execute from "../contract/execute.ts";
import type * as files from "../contract/files.ts";
import type * as history from "../contract/history.ts";
import type * as preview from "../contract/preview.ts";
import type * as session from "../contract/session.ts";
import type * as snapshot from "../contract/snapshot.ts";
import type * as terminal from "../contract/terminal.ts";
import type * as usage from "../contract/usage.ts";

export type { ErrorCode } from "../contract/errors.ts";

export type Session = session.Session;
export type SessionInfo = session.SessionInfo;
export type SessionList = session.SessionList;
export type SessionState = Session["state"];
export type SessionDeleted = z.output<typeof session.SessionDeleted>;
export type CreateSession = z.input<typeof session.CreateSession>;
export type UpdateSession = z.input<typeof session.UpdateSession>;
export type ServiceInput = z.input<typeof session.Service>;

export type ExecuteRequest = z.input<typeof execute.ExecuteRequest>;
export type ExecuteAnswer = execute.ExecuteAnswer;
export type ExecutionRecord = execute.ExecutionRecord;
export type ExecutionList = execute.ExecutionList;
export type OutputPage = execute.OutputPage;
export type KillRequest = z.input<typeof execute.KillRequest>;
export type KillAnswer = execute.KillAnswer;
export type Process = execute.Process;
export type ProcessList = execute.ProcessList;
export type ServiceStatus = execute.ServiceStatus;

export type Context = contexts.Context;
export type ContextList = contexts.ContextList;
export type ContextDeleted = contexts.ContextDeleted;
export type ContextInterrupted = contexts.ContextInterrupted;
export type CreateContext = z.input<typeof contexts.CreateContext>;
export type RunRequest = z.input<typeof run.RunRequest>;
export type RunAnswer = run.RunAnswer;
export type RunResult = contexts.Result;
export type RunError = contexts.RunError;

export type HistoryEvent = history.HistoryEvent;
export type NewEvent = z.input<typeof history.NewEvent>;
export type Appended = history.Appended;
export type HistoryPage = history.HistoryPage;
export type HistoryCleared = history.HistoryCleared;
export type Thread = history.Thread;
export type PutThread = z.input<typeof history.PutThread>;
export type ThreadList = history.ThreadList;
export type ThreadDeleted = z.output<typeof history.ThreadDeleted>;
export type MessageType = history.MessageType;
export type NewMessage = z.input<typeof history.NewMessage>;
export type Message = history.Message;
export type MessagePage = history.MessagePage;
export type Replay = history.Replay;

export type FileInput = z.input<typeof files.FileInput>;
export type FileEntry = files.FileEntry;
export type FileList = files.FileList;
export type FileContent = files.FileContent;
export type FileWritten = files.FileWritten;
export type FileDeleted = z.output<typeof files.FileDeleted>;
export type SearchAnswer = files.SearchAnswer;

export type Snapshot = snapshot.Snapshot;
export type SnapshotList = snapshot.SnapshotList;
export type SnapshotDiff = snapshot.SnapshotDiff;
export type SnapshotDeleted = z.output<typeof snapshot.SnapshotDeleted>;
export type RestoreAnswer = snapshot.RestoreAnswer;
export type ForkRequest = z.input<typeof snapshot.ForkRequest>;

export type CreatePreviewToken = z.input<typeof preview.CreatePreviewToken>;
export type NewPreviewToken = preview.NewPreviewToken;
export type PreviewTokenList = preview.PreviewTokenList;
export type PreviewRequest = preview.PreviewRequest;
export type PreviewRequestPage = preview.PreviewRequestPage;
export type PreviewTokenRevoked = z.output<typeof preview.PreviewTokenRevoked>;

export type OwnAccount = account.OwnAccount;
export type CreateKey = z.input<typeof account.CreateKey>;
export type Key = account.Key;
export type KeyList = z.output<typeof account.KeyList>;
export type NewKey = account.NewKey;

export type Event = events.Event;
export type EventType = events.EventType;
export type CreateWebhook = z.input<typeof events.CreateWebhook>;
export type Webhook = events.Webhook;
export type NewWebhook = events.NewWebhook;
export type WebhookList = events.WebhookList;
export type WebhookDeleted = z.output<typeof events.WebhookDeleted>;
export type Delivery = events.Delivery;
export type DeliveryList = events.DeliveryList;

export type UsageReport = usage.UsageReport;

export type TerminalInfo = terminal.Terminal;
export type TerminalList = terminal.TerminalList;
export type TerminalClosed = terminal.TerminalClosed;
export type TerminalExit = terminal.TerminalExit;
export type TerminalCommand = terminal.TerminalCommand;
export type TerminalEvent = terminal.TerminalEvent;

// What the receiver of webhooks tells, and where it is told to be found; for both of the runtimes that tests run in.

declare module "vitest" {
  export interface ProvidedContext {
    receiverUrl: string;
  }
}

export interface ReceivedWebhook {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** With what it was answered. */
  readonly status: number;
}

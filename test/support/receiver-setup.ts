// One receiver of webhooks for the whole `worker` suite, which cannot listen itself.
import type { TestProject } from "vitest/node";
import { startReceiver } from "./webhook-receiver.ts";

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const receiver = await startReceiver();
  project.provide("receiverUrl", receiver.url);
  return () => receiver.stop();
}

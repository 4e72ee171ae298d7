// What a session serves.
import * as z from "zod";
import { ServiceStatus } from "../../contract/execute.ts";
import { previewLabel } from "../../contract/ids.ts";
import { CreatePreviewToken } from "../../contract/preview.ts";
import { EXECUTE } from "../../contract/routes/execute.ts";
import { PREVIEWS } from "../../contract/routes/previews.ts";
import { SESSIONS } from "../../contract/routes/sessions.ts";
import { Service } from "../../contract/session.ts";
import type { Session } from "../../contract/session.ts";
import { ProblemError } from "../../lib/problem-error.ts";
import type { SessionInUse } from "../session-use.ts";
import { clip } from "../text.ts";
import { tool } from "../tool.ts";
import type { Tool } from "../tool.ts";

const Url = z.url().meta({ description: "Opens in a browser" });
/** Of many calls at the same time one comes through with each. */
const TRIES = 10;
const SETTLED_MS = 200;

export const serviceTools: readonly Tool[] = [
  tool({
    name: "start_service",
    title: "Start a service",
    description:
      "Start a command that stays, such as a web server, and keep it running: it is started again when it ends and " +
      "whenever the session wakes. One of the same name is replaced. A server has to listen on 0.0.0.0 or localhost; " +
      "its preview URL is in the answer.",
    input: Service.shape,
    output: { service: ServiceStatus, previewUrl: Url.nullable() },
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: true },
    async run(session, service) {
      const { info, status } = await start(session, service);
      const previewUrl = service.port === undefined ? null : await previewUrlOf(session, info, service.port);
      const log = status.log.length === 0 ? "" : `\nIt printed:\n${clip(status.log.join("\n"), 4000).text}`;
      const where = previewUrl === null ? "" : ` Its preview is ${previewUrl}`;
      const ended = status.lastExit === null ? "" : ` It ended before: ${status.lastExit}.`;
      return {
        text: `Service ${service.name} is ${status.status}.${ended}${where}${log}`,
        data: { service: status, previewUrl },
      };
    },
  }),
  tool({
    name: "get_preview_url",
    title: "Get a preview URL",
    description:
      "The public URL of a server that listens on a port in the session. For a session whose previews are private, it " +
      "holds a token that opens that port for an hour.",
    input: { port: CreatePreviewToken.shape.port },
    output: { url: Url, port: z.int() },
    annotations: { readOnlyHint: true, openWorldHint: false },
    async run(session, { port }) {
      const info = await session.api.call(SESSIONS.getSession, { params: { id: session.ref } });
      const url = await previewUrlOf(session, info, port);
      return { text: `${url}\nIt shows what listens on port ${port} of the session.`, data: { url, port } };
    },
  }),
];

/**
 * The services of a session are set all at once: one that is started at the same time may set them without this one, which
 * is then put to those again. @throws ProblemError `conflict` where others do so for too long
 */
async function start(
  session: SessionInUse,
  service: z.output<typeof Service>,
): Promise<{ info: Session; status: ServiceStatus }> {
  const { api, ref } = session;
  const params = { id: ref };
  let info = await api.call(SESSIONS.getSession, { params });
  for (let tries = 0; tries < TRIES; tries++) {
    const others = info.services.filter(({ name }) => name !== service.name);
    await api.call(SESSIONS.updateSession, { params, body: { services: [...others, service] } });
    // Who had read the list before has written it by then.
    await scheduler.wait(SETTLED_MS);
    const status = await statusOf(session, service.name);
    info = await api.call(SESSIONS.getSession, { params });
    const isThere = info.services.some(({ name }) => name === service.name);
    if (isThere && status !== undefined && status.status !== "stopped") {
      return { info, status };
    }
  }
  throw new ProblemError(
    "conflict",
    `Others change the session's services all the time; ${service.name} is not started.`,
  );
}

/** Listing wakes nothing, so a session without a container is woken by a command; its services are up when that runs. */
async function statusOf({ api, ref }: SessionInUse, name: string): Promise<ServiceStatus | undefined> {
  const list = async (): Promise<ServiceStatus | undefined> => {
    const { services } = await api.call(EXECUTE.listProcesses, { params: { id: ref } });
    return services.find((service) => service.name === name);
  };
  const first = await list();
  if (first !== undefined && first.status !== "stopped") {
    return first;
  }
  await api.call(EXECUTE.execute, { body: { sessionId: ref, command: "true" } });
  return await list();
}

async function previewUrlOf({ api, ref }: SessionInUse, session: Session, port: number): Promise<string> {
  if (session.preview === "private") {
    const { url } = await api.call(PREVIEWS.createPreviewToken, { params: { id: ref }, body: { port } });
    return url;
  }
  const url = new URL(session.previewUrl);
  url.hostname = url.hostname.replace(previewLabel(session.id), previewLabel(session.id, port));
  return url.origin;
}

// A session's services are set all at once, and somebody else may do so at the same time.
import type { ServiceInput } from "../../../sdk/index.ts";
import { api } from "../../state/access.ts";

const TRIES = 5;

/** Among those that there are now; null takes it away. */
export async function setService(sessionId: string, name: string, service: ServiceInput | null): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const { services } = await api().sessions.info({ sessionId });
    const isDone = services.some((other) => other.name === name) === (service !== null);
    if (tries > 0 && isDone) return;
    const others: ServiceInput[] = services.filter((other) => other.name !== name);
    await api().services.set({ sessionId, services: service === null ? others : [...others, service] });
  }
}

// One HTTP exchange between two connections, after the head of its request has been sent on: what follows in both
// directions goes through as it is, but for the head of the answer, which says that the connection closes.
import { End } from "../supervisor/net/pipe.ts";
import { HEAD_BYTES, rewriteAnswer } from "./head.ts";

/** A server takes its time to answer: no limit to that. */
export async function exchange(client: End, server: End): Promise<void> {
  End.pipe(client, server);
  for (;;) {
    const answer = await server.take(rewriteAnswer, { maxBytes: HEAD_BYTES });
    if (answer === null) break;
    client.write(answer.head);
    if (!answer.interim) return End.pipe(server, client);
  }
  server.destroy();
  client.destroy();
}

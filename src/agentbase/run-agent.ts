// `POST /`: a message that an agent works on. There is no agent here: whoever runs one keeps its conversation by the
// session's messages, and its computer is the session.
import { problemResponse } from "../contract/errors.ts";

export async function runAgent(): Promise<Response> {
  // Not a 5xx: a client would send it again.
  return problemResponse({
    code: "not_found",
    message:
      "This server runs no agents: there is nothing that would answer the message. Run yours beside it, and let it keep its messages by POST /api/sessions/{id}/messages and work by POST /api/execute.",
  });
}

// Who may see a session's previews, and the tokens that open private ones, on the wire.
import * as z from "zod";
import { parseDuration } from "./duration.ts";
import { CONTROL_PORT, PREVIEW_PORT, PREVIEW_TOKEN, PREVIEW_TOKEN_ID } from "./ids.ts";
import { PREVIEW_REQUESTS, PREVIEW_TOKENS } from "./limits.ts";
import { intQuery, IsoTime, Text } from "./primitives.ts";

export const Preview = z.enum(["public", "private"]).meta({
  description: "`public`: whoever knows the URL sees it. `private`: a preview token is needed as well",
});

export const PreviewTokenId = z
  .string()
  .regex(PREVIEW_TOKEN_ID, "is not the id of a preview token")
  .meta({ description: "`pvt_` and 20 characters of 0-9a-z" });

export const CreatePreviewToken = z
  .strictObject({
    port: z
      .int()
      .min(1)
      .max(65_535)
      .refine((port) => port !== CONTROL_PORT, `${CONTROL_PORT} has no preview`)
      .default(PREVIEW_PORT)
      .meta({ description: "The only port that it opens" }),
    expiresIn: z
      .string()
      .refine((text) => {
        const ms = parseDuration(text);
        return ms !== null && ms >= PREVIEW_TOKENS.minMs && ms <= PREVIEW_TOKENS.maxMs;
      }, "is not a duration from 1s to 7d")
      .default("1h")
      .meta({ description: "`1s` to `7d`", examples: ["1h"] }),
    label: Text.min(1).max(PREVIEW_TOKENS.labelCharacters).optional().meta({ description: "Whom it is for" }),
  })
  .meta({ id: "CreatePreviewToken" });
export type CreatePreviewToken = z.infer<typeof CreatePreviewToken>;

export const PreviewToken = z
  .object({
    tokenId: PreviewTokenId,
    port: z.int(),
    label: z.string().nullable(),
    createdAt: IsoTime,
    expiresAt: IsoTime,
  })
  .meta({ id: "PreviewToken" });
export type PreviewToken = z.infer<typeof PreviewToken>;

export const NewPreviewToken = PreviewToken.extend({
  token: z.string().regex(PREVIEW_TOKEN).meta({
    description: "Shown this once. As `?token=`, which a browser trades for a cookie, or as header `X-Preview-Token`",
  }),
  url: z.url().meta({ description: "Opens the preview in a browser" }),
}).meta({ id: "NewPreviewToken" });
export type NewPreviewToken = z.infer<typeof NewPreviewToken>;

export const PreviewTokenList = z
  .object({ tokens: z.array(PreviewToken), total: z.int() })
  .meta({ id: "PreviewTokenList", description: "Those that have not expired, newest first" });
export type PreviewTokenList = z.infer<typeof PreviewTokenList>;

export const PreviewTokenRevoked = z.object({ revoked: z.literal(true), tokenId: PreviewTokenId });

export const PreviewRequest = z
  .object({
    seq: z.int().meta({ description: "Grows; says nothing else" }),
    at: IsoTime,
    port: z.int(),
    method: z.string(),
    path: z
      .string()
      .meta({ description: `With its query, without \`token\`; cut at ${PREVIEW_REQUESTS.pathCharacters}` }),
    status: z.int(),
    durationMs: z.int().nonnegative().meta({ description: "Until its answer began; a wake is part of it" }),
    bytes: z.int().nonnegative().nullable().meta({ description: "Of the answer's body; null where it did not say" }),
    webSocket: z.boolean().meta({ description: "It became a WebSocket, whose messages are not listed" }),
  })
  .meta({ id: "PreviewRequest" });
export type PreviewRequest = z.infer<typeof PreviewRequest>;

export const PreviewRequestQuery = z.object({
  after: z
    .string()
    .regex(/^\d{1,15}$/, "is not a whole number")
    .default("0")
    .transform(Number)
    .meta({ override: { type: "integer", minimum: 0, default: 0 }, description: "`lastSeq` of the page before" }),
  limit: intQuery({ min: 1, max: PREVIEW_REQUESTS.kept, default: PREVIEW_REQUESTS.kept }),
});

export const PreviewRequestPage = z
  .object({
    requests: z.array(PreviewRequest),
    lastSeq: z.int().nonnegative().meta({ description: "Give it as `after` to go on" }),
  })
  .meta({
    id: "PreviewRequestPage",
    description: `Of the last ${PREVIEW_REQUESTS.kept}, newest last. They are kept in memory, and may be gone after a pause`,
  });
export type PreviewRequestPage = z.infer<typeof PreviewRequestPage>;

// The OpenAPI 3.1 document, generated from the route table.
import * as z from "zod";
import { createDocument } from "zod-openapi";
import type {
  ZodOpenApiHeaderObject as HeaderObject,
  ZodOpenApiOperationObject,
  ZodOpenApiPathsObject,
  ZodOpenApiResponsesObject,
} from "zod-openapi";
import { ERRORS } from "../contract/errors.ts";
import type { ErrorCode } from "../contract/errors.ts";
import { ERROR_EXAMPLES, EXAMPLES, REQUEST_ID } from "../contract/examples.ts";
import { IDEMPOTENCY_KEY_CHARACTERS } from "../contract/limits.ts";
import { ROUTES } from "../contract/routes.ts";
import type { Route } from "../contract/route.ts";

/** Errors that every route can give, whoever it is for. */
const COMMON: readonly ErrorCode[] = ["invalid_request", "unauthorized", "internal_error"];
/** Of the operator's API there is none where the server has no key for it; wrong keys are counted, requests are not. */
const OF_OPERATOR: readonly ErrorCode[] = [...COMMON, "not_found", "rate_limit_exceeded"];
const OF_ACCOUNT: readonly ErrorCode[] = [...COMMON, "forbidden", "rate_limit_exceeded"];

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  101: "A WebSocket from here on",
  200: "Done",
  201: "Created",
  206: "The range that was asked for",
  304: "Not modified",
};

/** All but where the API is, which depends on the request. */
let document: ReturnType<typeof createDocument> | undefined;

export function openApiDocument(apiUrl: string): ReturnType<typeof createDocument> {
  document ??= describeApi();
  return { ...document, servers: [{ url: apiUrl }] };
}

function describeApi(): ReturnType<typeof createDocument> {
  const paths: ZodOpenApiPathsObject = {};
  for (const [operationId, route] of Object.entries(ROUTES)) {
    paths[route.path] = { ...paths[route.path], [route.method]: operationOf(operationId, route) };
  }
  return createDocument({
    openapi: "3.1.0",
    info: {
      title: "buntime",
      version: "1",
      description: "A persistent Bun machine over HTTPS: sessions that run code, keep files and serve previews.",
    },
    security: [{ key: [] }],
    components: {
      securitySchemes: {
        key: { type: "http", scheme: "bearer" },
        operator: { type: "http", scheme: "bearer", description: "BUNTIME_ADMIN_KEY of the server" },
      },
      headers: { ...RATE_LIMIT_HEADERS, ...IDEMPOTENCY_HEADERS, "Retry-After": seconds("Seconds until a new try") },
    },
    paths,
  });
}

function operationOf(operationId: string, route: Route): ZodOpenApiOperationObject {
  return {
    operationId,
    tags: [route.tag],
    summary: route.summary,
    ...(route.scope === "operator"
      ? { security: [{ operator: [] }] }
      : { description: `Needs a key with the scope \`${route.scope}\`.` }),
    requestParams: {
      ...(route.params === undefined ? {} : { path: route.params }),
      ...(route.query === undefined ? {} : { query: route.query }),
      ...(route.idempotent === true ? { header: IdempotencyKey } : {}),
    },
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { "application/json": { schema: route.body, examples: bodiesOf(operationId) } },
          },
        }),
    ...(route.upload === undefined ? {} : { requestBody: { required: true, content: { [route.upload]: BYTES } } }),
    responses: { ...successes(operationId, route), ...failures(route) },
  };
}

const IdempotencyKey = z.object({
  "Idempotency-Key": z
    .string()
    .min(1)
    .max(IDEMPOTENCY_KEY_CHARACTERS)
    .optional()
    .meta({
      description:
        "One per call, printable ASCII. The same call sent again within 24 hours is answered as the first time and does " +
        "not run again; another call with the same key is a `conflict`",
    }),
});

const seconds = (description: string): HeaderObject => ({ description, schema: { type: "integer" } });

/** On every answer to a request with a good key; a 401 has nothing to be counted by. */
const RATE_LIMIT_HEADERS = {
  "X-RateLimit-Limit": { description: "Requests that the key may make in a minute", schema: { type: "integer" } },
  "X-RateLimit-Remaining": { description: "Those that are left of them", schema: { type: "integer" } },
  "X-RateLimit-Reset": seconds("When all of them are there again, in seconds since the epoch"),
} as const satisfies Record<string, HeaderObject>;

const IDEMPOTENCY_HEADERS = {
  "Idempotency-Replayed": { description: "This is the answer of an earlier call", schema: { const: "true" } },
} as const satisfies Record<string, HeaderObject>;

function references(names: Iterable<string>): Record<string, { $ref: string }> {
  return Object.fromEntries([...names].map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

function headersOf(route: Route, status: number): Record<string, { $ref: string }> {
  const retry = Object.values<{ status: number; retryAfterSeconds?: number }>(ERRORS).some(
    (error) => error.status === status && error.retryAfterSeconds !== undefined,
  );
  return references([
    ...(status === ERRORS.unauthorized.status || route.scope === "operator" ? [] : Object.keys(RATE_LIMIT_HEADERS)),
    ...(route.idempotent === true && status !== ERRORS.unauthorized.status ? Object.keys(IDEMPOTENCY_HEADERS) : []),
    ...(retry ? ["Retry-After"] : []),
  ]);
}

const BYTES = { schema: { type: "string", format: "binary" } } as const;

interface Examples {
  readonly bodies?: Readonly<Record<string, unknown>>;
  readonly answer?: unknown;
}

function examplesOf(operationId: string): Examples {
  // SAFETY: the table has every operation of the route table, and each has these at the most.
  return EXAMPLES[operationId as keyof typeof EXAMPLES] as Examples;
}

function bodiesOf(operationId: string): Record<string, { value: unknown }> {
  const { bodies = {} } = examplesOf(operationId);
  return Object.fromEntries(Object.entries(bodies).map(([shown, value]) => [shown, { value }]));
}

function successes(operationId: string, route: Route): ZodOpenApiResponsesObject {
  const responses: ZodOpenApiResponsesObject = {};
  for (const [status, answer] of Object.entries(route.answers)) {
    const description = DESCRIPTIONS[status] ?? "Done";
    // SAFETY: the keys of `answers` are status codes.
    const code = status as `${1 | 2 | 3 | 4 | 5}${string}`;
    const headers = headersOf(route, Number(status));
    if ("json" in answer) {
      responses[code] = {
        description,
        headers,
        content: {
          "application/json": { schema: answer.json, example: examplesOf(operationId).answer },
          ...(answer.sse === true ? { "text/event-stream": { schema: { type: "string" } as const } } : {}),
        },
      };
    } else if ("bytes" in answer) {
      responses[code] = { description, headers, content: { [answer.bytes]: BYTES } };
    } else {
      responses[code] = { description, headers };
    }
  }
  return responses;
}

/** Codes that share a status are told apart by `error.code`, with an example of each. */
function failures(route: Route): ZodOpenApiResponsesObject {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set([...(route.scope === "operator" ? OF_OPERATOR : OF_ACCOUNT), ...route.errors])) {
    const { status } = ERRORS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const responses: ZodOpenApiResponsesObject = {};
  for (const [status, codes] of byStatus) {
    // SAFETY: the table's statuses are three digits, 400 to 507.
    responses[String(status) as `${4 | 5}${string}`] = {
      description: codes.join(", "),
      headers: headersOf(route, status),
      content: {
        "application/json": {
          schema: ErrorSchema,
          examples: Object.fromEntries(
            codes.map((code) => [
              code,
              { value: { error: { code, details: {}, ...ERROR_EXAMPLES[code], requestId: REQUEST_ID } } },
            ]),
          ),
        },
      },
    };
  }
  return responses;
}

// SAFETY: Object.keys of the table gives its codes, and it has some.
const CODES = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]];

const ErrorSchema = z
  .object({
    error: z.object({
      code: z.enum(CODES),
      message: z.string().meta({ description: "Names the thing and the next step" }),
      details: z.record(z.string(), z.unknown()),
      requestId: z.string(),
    }),
  })
  .meta({ id: "Error" });

import { createRequire } from "node:module";
import type * as z from "zod";
import { describe, expect, it } from "vitest";
import { ERRORS } from "../../src/contract/errors.ts";
import { EXAMPLES } from "../../src/contract/examples.ts";
import type { Route } from "../../src/contract/route.ts";
import { ROUTES } from "../../src/contract/routes.ts";
import { openApiDocument } from "../../src/http/openapi.ts";

interface Response {
  readonly headers?: object;
  readonly content?: Readonly<
    Record<string, { readonly examples?: Readonly<Record<string, { readonly value: unknown }>> }>
  >;
}
interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: unknown;
  readonly responses: Readonly<Record<string, Response>>;
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

// As a client reads it.
const document = JSON.parse(JSON.stringify(openApiDocument("http://localhost/api"))) as Document;

describe("the OpenAPI document", () => {
  it("has every operation of the route table, with its answers and its errors", () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    for (const [operationId, route] of Object.entries(ROUTES)) {
      const operation = document.paths[route.path]?.[route.method];
      expect(operation?.operationId, route.path).toBe(operationId);
      const statuses = [
        ...Object.keys(route.answers),
        ...[
          ...route.errors,
          "invalid_request",
          "unauthorized",
          "internal_error",
          ...(route.scope === "operator" ? ["not_found", "rate_limit_exceeded"] : ["forbidden", "rate_limit_exceeded"]),
        ].map((code) => String(ERRORS[code as keyof typeof ERRORS].status)),
      ];
      expect(new Set(Object.keys(operation?.responses ?? {})), operationId).toEqual(new Set(statuses));
    }
  });

  it("names every parameter of a path, and no other", () => {
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const operation of Object.values(operations)) {
        const named = (operation.parameters ?? []).filter((parameter) => parameter.in === "path");
        const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
        expect(new Set(named.map((parameter) => parameter.name)), path).toEqual(new Set(inPath));
      }
    }
  });

  it("tells the headers of the rate limit with every answer but those without an account's key", () => {
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const { operationId, responses } of Object.values(operations)) {
        for (const [status, { headers = {} }] of Object.entries(responses)) {
          expect("X-RateLimit-Limit" in headers, `${operationId} ${status}`).toBe(
            status !== "401" && !path.startsWith("/admin/"),
          );
          expect("Retry-After" in headers, `${operationId} ${status}`).toBe(["429", "503"].includes(status));
        }
      }
    }
  });

  it("offers an idempotency key wherever something is created or executed", () => {
    const offered = Object.values(document.paths)
      .flatMap((operations) => Object.values(operations))
      .filter(({ parameters = [] }) => parameters.some(({ name }) => name === "Idempotency-Key"))
      .map(({ operationId }) => operationId);
    expect(offered).toEqual(expect.arrayContaining(["createSession", "execute"]));
  });

  it("refers only to what it defines", () => {
    const text = JSON.stringify(document);
    const references = new Set([...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map((match) => match[1] ?? ""));
    expect(references.size).toBeGreaterThan(10);
    for (const reference of references) {
      const found = reference
        .split("/")
        .reduce<unknown>((part, key) => Object(part)[key.replaceAll("~1", "/").replaceAll("~0", "~")], document);
      expect(found, reference).toBeDefined();
    }
  });

  it("gives numbers in a query as integers with their bounds", () => {
    const parameters = JSON.stringify(document.paths["/sessions"]?.["get"]?.parameters);
    expect(parameters).toContain('"maximum":100');
    expect(parameters).toContain('"type":"integer"');
  });

  it("has examples of every body and every answer, and they are what they are examples of", () => {
    for (const [operationId, route] of Object.entries<Route>(ROUTES)) {
      const { bodies, answer } = EXAMPLES[operationId as keyof typeof EXAMPLES] as {
        bodies?: Record<string, unknown>;
        answer?: unknown;
      };
      expect(Object.keys(bodies ?? {}).length > 0, operationId).toBe(route.body !== undefined);
      for (const [shown, body] of Object.entries(bodies ?? {})) {
        expect(route.body?.safeParse(body).error, `${operationId}: ${shown}`).toBeUndefined();
      }
      const schema = Object.values(route.answers).flatMap((given) => ("json" in given ? [given.json] : []))[0];
      expect(answer !== undefined, operationId).toBe(schema !== undefined);
      // Nothing but what the schema knows: parsing takes away the rest.
      expect(schema === undefined ? undefined : parsed(schema, answer, operationId), operationId).toEqual(answer);
    }
  });

  it("has an example of every error that an operation can give, with the code of its status", () => {
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const { operationId, responses } of Object.values(operations)) {
        for (const [status, { content }] of Object.entries(responses)) {
          for (const [code, { value }] of Object.entries(content?.["application/json"]?.examples ?? {})) {
            expect(value, `${operationId} ${path}`).toMatchObject({
              error: { code, message: expect.stringMatching(/.{10}/), requestId: expect.any(String) },
            });
            expect(ERRORS[code as keyof typeof ERRORS].status).toBe(Number(status));
          }
          const codes = Object.keys(content?.["application/json"]?.examples ?? {});
          expect(codes.length > 0, `${operationId} ${status}`).toBe(Number(status) >= 400);
        }
      }
    }
  });

  it("is a document of OpenAPI 3.1 to the program that shows it", async () => {
    const load = createRequire(import.meta.resolve("@scalar/api-reference"));
    const { validate } = await import(load.resolve("@scalar/validation"));
    const { openApiSchema } = await import(load.resolve("@scalar/schemas/openapi/3.1"));
    // It asks for a mark of its own as well.
    const marked = { ...document, "x-scalar-original-document-hash": "" };
    expect(validate(openApiSchema, marked)).toBe(true);
    expect(validate(openApiSchema, { ...marked, info: {} })).toBe(false);
  });
});

function parsed(schema: z.ZodType, value: unknown, name: string): unknown {
  const result = schema.safeParse(value);
  expect(result.error, name).toBeUndefined();
  return result.data;
}

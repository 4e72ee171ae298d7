import { describe, expect, it } from "vitest";
import { ERRORS } from "../../src/contract/errors.ts";
import { ROUTES } from "../../src/contract/routes.ts";
import { openApiDocument } from "../../src/http/openapi.ts";

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: unknown;
  readonly responses: Readonly<Record<string, { readonly headers?: object }>>;
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
});

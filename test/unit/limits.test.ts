import { describe, expect, it } from "vitest";
import { DEFAULT_RESOURCES, PLANS } from "../../src/contract/limits.ts";
import { checkFiles } from "../../src/http/file-limits.ts";
import { instanceFor } from "../../src/session/instance.ts";

describe("a container's size", () => {
  it("is the smallest named one that holds what was asked for", () => {
    expect(instanceFor(DEFAULT_RESOURCES, "bun")).toBe("basic");
    expect(instanceFor({ memory: 128, cpu: 0.0625, timeout: 30, disk: 512 }, "bun")).toBe("lite");
    expect(instanceFor({ memory: 4096, cpu: 0.25, timeout: 30, disk: 1024 }, "bun")).toBe("standard-1");
    expect(instanceFor({ memory: 128, cpu: 0.0625, timeout: 30, disk: 512 }, "polyglot")).toBe("basic");
  });

  it("from 1 vCPU on is made to measure, within the platform's proportions", () => {
    expect(instanceFor({ memory: 4096, cpu: 1, timeout: 30, disk: 5120 }, "bun")).toEqual({
      vcpu: 1,
      memoryMib: 4096,
      diskMb: 6144,
    });
    expect(instanceFor({ memory: 256, cpu: 0.75, timeout: 30, disk: 1024 }, "bun")).toEqual({
      vcpu: 1,
      memoryMib: 3072,
      diskMb: 2048,
    });
  });
});

describe("files inside a JSON body", () => {
  const plan = { ...PLANS.free, fileBytes: 10, filesPerRequest: 2 };

  it("are measured in bytes, not in characters", () => {
    expect(checkFiles([{ path: "a", content: "0123456789" }], plan).ok).toBe(true);
    expect(checkFiles([{ path: "a", content: "€€€€" }], plan)).toMatchObject({ error: { code: "payload_too_large" } });
    expect(checkFiles([{ path: "a", content: btoa("0123456789"), encoding: "base64" }], plan).ok).toBe(true);
    expect(checkFiles([{ path: "a", content: btoa("0123456789x"), encoding: "base64" }], plan).ok).toBe(false);
  });

  it("are counted", () => {
    const file = { path: "a", content: "" };
    expect(checkFiles([file, file], plan).ok).toBe(true);
    expect(checkFiles([file, file, file], plan)).toMatchObject({ error: { code: "payload_too_large" } });
  });
});

import { describe, expect, it } from "vitest";
import { clientAddress, clientGroup } from "../../src/http/client-address.ts";

const told = (headers: Record<string, string>, header?: string): string | null =>
  clientAddress(new Request("http://x/", { headers }), header);

describe("where a request comes from", () => {
  it("is what Cloudflare says, or the proxy that the operator has named", () => {
    expect(told({ "cf-connecting-ip": "192.0.2.1" })).toBe("192.0.2.1");
    expect(told({ "cf-connecting-ip": "192.0.2.1", "x-real-ip": "192.0.2.2" }, "x-real-ip")).toBe("192.0.2.2");
  });

  it("is the last of several, which the proxy has added to what the client said", () => {
    expect(told({ "x-forwarded-for": "10.0.0.1, 192.0.2.3" }, "x-forwarded-for")).toBe("192.0.2.3");
  });

  it("is not known where nobody who can be believed says it, or what is said is no address", () => {
    expect(told({ "cf-connecting-ip": "192.0.2.1" }, "")).toBeNull();
    expect(told({}, "x-real-ip")).toBeNull();
    for (const value of ["somewhere", "192.0.2.1; DROP", "a".repeat(100), ","]) {
      expect(told({ "x-real-ip": value }, "x-real-ip")).toBeNull();
    }
  });
});

describe("clients that count as one", () => {
  it("are those of one IPv4 address, or of one IPv6 network however it is written", () => {
    expect(clientGroup("192.0.2.1")).toBe("192.0.2.1");
    const network = clientGroup("2001:db8:0:2::1");
    for (const same of ["2001:0db8:0000:0002:0000:0000:0000:ffff", "2001:db8:0:2:1:2:3:4", "2001:db8:0:2::"]) {
      expect(clientGroup(same)).toBe(network);
    }
    for (const other of ["2001:db8:0:3::1", "2001:db8::1", "::1", "192.0.2.1"]) {
      expect(clientGroup(other)).not.toBe(network);
    }
  });
});

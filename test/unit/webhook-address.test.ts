import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkWebhookUrl } from "../../src/account/webhook-address.ts";

const strict = { allowPrivate: false };
const problemOf = (url: string, rules = strict): string | null => {
  const checked = checkWebhookUrl(url, rules);
  return checked.ok ? null : checked.error.code;
};

const REFUSED = [
  // This machine and its network, plainly.
  "https://127.0.0.1/",
  "https://127.255.255.254/",
  "https://0.0.0.0/",
  "https://10.1.2.3/",
  "https://172.16.0.1/",
  "https://172.31.255.255/",
  "https://192.168.1.1:8443/",
  "https://100.64.0.1/",
  "https://169.254.169.254/latest/meta-data/",
  "https://192.0.0.192/",
  "https://198.18.0.1/",
  "https://224.0.0.1/",
  "https://255.255.255.255/",
  // In odd spellings.
  "https://2130706433/",
  "https://0x7f000001/",
  "https://0x7f.1/",
  "https://0177.0.0.1/",
  "https://127.1/",
  "https://127.0.0.1./",
  "https://①②⑦.0.0.1/",
  "https://127。0。0。1/",
  "https://%31%32%37.0.0.1/",
  // As IPv6.
  "https://[::1]/",
  "https://[::]/",
  "https://[::ffff:127.0.0.1]/",
  "https://[::ffff:a9fe:a9fe]/",
  "https://[0:0:0:0:0:ffff:10.0.0.1]/",
  "https://[64:ff9b::7f00:1]/",
  "https://[2002:7f00:1::]/",
  "https://[fe80::1]/",
  "https://[fd00:ec2::254]/",
  "https://[ff02::1]/",
  // By name.
  "https://localhost/",
  "https://LOCALHOST./",
  "https://a.localhost/",
  "https://metadata.google.internal/",
  "https://metadata/",
  "https://printer.local/",
  "https://router.home.arpa/",
  "https://1.0.0.127.in-addr.arpa/",
  "https://localhost.localdomain/",
  // Not https, not to a host, or with something to hide.
  "http://example.com/",
  "ftp://example.com/",
  "file:///etc/passwd",
  "javascript:alert(1)",
  "data:text/plain,x",
  "https://",
  "//example.com/",
  "example.com",
  "",
  "https://user:secret@example.com/",
  "https://example.com@127.0.0.1/",
  `https://example.com/${"x".repeat(2048)}`,
];

describe("a webhook's address", () => {
  it.each(REFUSED)("is refused: %s", (url) => {
    expect(problemOf(url)).toBe("invalid_request");
  });

  it.each([
    "https://example.com/hooks",
    "https://EXAMPLE.com:8443/a?b=c",
    "https://93.184.216.34/",
    "https://[2606:2800:220:1:248:1893:25c8:1946]/",
    "https://172.32.0.1/",
    "https://internal.example.com/",
  ])("may be public: %s", (url) => {
    expect(problemOf(url)).toBeNull();
  });

  it("may be private and plain http where the operator lets it, and nothing else than http", () => {
    const lax = { allowPrivate: true };
    expect(problemOf("http://127.0.0.1:8080/", lax)).toBeNull();
    expect(problemOf("http://localhost/", lax)).toBeNull();
    expect(problemOf("file:///etc/passwd", lax)).toBe("invalid_request");
    expect(problemOf("http://user@127.0.0.1/", lax)).toBe("invalid_request");
  });

  it("never leads to a private IPv4 address, however that is written", () => {
    const octet = fc.nat(255);
    const within = (first: number, second: fc.Arbitrary<number> = octet) =>
      fc.tuple(fc.constant(first), second, octet, octet);
    const address = fc.oneof(
      within(0),
      within(10),
      within(127),
      within(169, fc.constant(254)),
      within(172, fc.integer({ min: 16, max: 31 })),
      within(192, fc.constant(168)),
      within(100, fc.integer({ min: 64, max: 127 })),
      within(198, fc.integer({ min: 18, max: 19 })),
      fc.tuple(fc.integer({ min: 224, max: 255 }), octet, octet, octet),
    );
    const spelling = fc.array(fc.constantFrom("decimal", "hex", "octal"), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(address, spelling, fc.integer({ min: 1, max: 4 }), (bytes, kinds, parts) => {
        // The last part takes all bytes that are left, as inet_aton has it.
        const numbers = [
          ...bytes.slice(0, parts - 1),
          bytes.slice(parts - 1).reduce((sum, byte) => sum * 256 + byte, 0),
        ];
        const written = numbers.map((number, index) => spelled(number, kinds[index] ?? "decimal")).join(".");
        expect(problemOf(`https://${written}/`)).toBe("invalid_request");
        const [a, b, c, d] = bytes.map((byte) => byte.toString(16).padStart(2, "0"));
        expect(problemOf(`https://[::ffff:${a}${b}:${c}${d}]/`)).toBe("invalid_request");
        expect(problemOf(`https://[::ffff:${bytes.join(".")}]/`)).toBe("invalid_request");
      }),
    );
  });

  it("is refused or is an https URL with a public host, whatever is given", () => {
    const piece = fc.constantFrom(
      "https:",
      "http:",
      "/",
      "//",
      "@",
      ":",
      "127.0.0.1",
      "[",
      "]",
      "::1",
      "localhost",
      ".",
      "%",
      "\\",
      "example.com",
      "#",
      "?",
      "0x7f",
      "１",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(piece).map((pieces) => pieces.join("")),
          fc.string(),
          fc.webUrl(),
        ),
        (text) => {
          const checked = checkWebhookUrl(text, strict);
          if (checked.ok) {
            const { protocol, hostname, username } = new URL(checked.value);
            expect(protocol).toBe("https:");
            expect(username).toBe("");
            expect(hostname).toContain(".");
            // As names of their own they may be parts of others: `127.0.0.1https` and `localhostexample.com` are public.
            expect(hostname).not.toMatch(/^127(\.\d+){3}$|(^|\.)localhost\.?$/);
          }
        },
      ),
    );
  });
});

function spelled(number: number, kind: string): string {
  return kind === "hex" ? `0x${number.toString(16)}` : kind === "octal" ? `0${number.toString(8)}` : String(number);
}

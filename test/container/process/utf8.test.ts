import { expect, test } from "bun:test";
import { cutAt, unfinishedTail } from "../../../container/supervisor/process/utf8.ts";

test("wherever text is cut, the head and the held tail are whole again", () => {
  const bytes = Buffer.from("a€ä𝄞z".repeat(3));
  for (let at = 0; at <= bytes.length; at++) {
    const head = bytes.subarray(0, at);
    const text = head.subarray(0, at - unfinishedTail(head)).toString();
    expect(bytes.toString().startsWith(text)).toBe(true);
    expect(at - Buffer.byteLength(text)).toBeLessThan(4);
  }
});

test("bytes that are not UTF-8 are never held back for more", () => {
  for (const bytes of [[0xff], [0x80, 0x80, 0x80, 0x80], [0xc0], [0xf8], [0x41, 0x80]]) {
    expect(unfinishedTail(Uint8Array.from(bytes))).toBe(0);
  }
});

test("a cut keeps to the limit and to whole characters", () => {
  expect(Buffer.from(cutAt(Buffer.from("a€b"), 3)).toString()).toBe("a");
  expect(Buffer.from(cutAt(Buffer.from("a€b"), 4)).toString()).toBe("a€");
  expect(Buffer.from(cutAt(Buffer.from("ab"), 4)).toString()).toBe("ab");
});

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  asFile,
  editable,
  isImage,
  languageOf,
  lineBreakOf,
  textOf,
} from "../../src/console/pages/session/files/content.ts";
import {
  cleanPath,
  complaintAbout,
  folderOf,
  foldersAbove,
  isWithin,
  joinPath,
  nameOf,
  shownLine,
  shownName,
  typedName,
} from "../../src/console/pages/session/files/names.ts";

describe("The name of a file, in the console", () => {
  it("can be typed as it is shown, whatever it holds", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (name) => {
        expect(typedName(shownName(name))).toBe(name);
      }),
    );
  });

  it("shows no character that could not be seen, or would turn the text around", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (name) => {
        expect(shownName(name)).not.toMatch(/[\p{Cc}\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u);
      }),
    );
    expect(shownName("a\nb\u001b[31m\u202etxt.exe")).toBe("a\\nb\\u001b[31m\\u202etxt.exe");
    expect(shownName("back\\slash")).toBe("back\\\\slash");
    expect(shownName("<b>née 🎉 %20#?.html")).toBe("<b>née 🎉 %20#?.html");
  });

  it("keeps what was typed and is no escape", () => {
    expect(typedName(String.raw`C:\dir\u00`)).toBe(String.raw`C:\dir\u00`);
  });

  it("is refused before it is sent, when nothing can have it", () => {
    expect(complaintAbout("src/a b%?#\n.ts")).toBeNull();
    for (const path of ["", "a//b", ".", "a/..", "a\u0000b", "é".repeat(128), `${"a/".repeat(2048)}b`])
      expect(complaintAbout(path)).toEqual(expect.any(String));
  });

  it("stands in its folder", () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[^/\0]+$/), { minLength: 1, maxLength: 6 }), (segments) => {
        const path = segments.join("/");
        expect(joinPath(folderOf(path), nameOf(path))).toBe(path);
        expect(foldersAbove(path)).toHaveLength(segments.length - 1);
        for (const folder of foldersAbove(path)) expect(isWithin(path, folder)).toBe(true);
      }),
    );
    expect(isWithin("src2/a", "src")).toBe(false);
    expect(cleanPath("/workspace/src/")).toBe("src");
    expect(cleanPath("workspaces")).toBe("workspaces");
  });
});

describe("A line that was found", () => {
  it("keeps its backslashes and tabs, and shows what else could not be seen", () => {
    expect(shownLine("\tif (/\\d\u001b/)")).toBe("\tif (/\\d\\u001b/)");
  });
});

describe("What a file is", () => {
  it("is text exactly when its bytes are UTF-8 without a null, and the text is theirs", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const read = textOf(new TextEncoder().encode(text), true);
        expect(read).toBe(text.includes("\u0000") ? null : text);
      }),
    );
    expect(textOf(Uint8Array.of(0xff, 0xfe, 0x41), true)).toBeNull();
    expect(textOf(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41), true)).toBe("\ufeffA");
  });

  it("is still text when its beginning ends within a character", () => {
    const bytes = new TextEncoder().encode("é");
    expect(textOf(bytes.subarray(0, 1), false)).toBe("");
    expect(textOf(bytes.subarray(0, 1), true)).toBeNull();
  });

  it("keeps its line breaks when they are of one kind", () => {
    const lines = fc.array(fc.stringMatching(/^[a-z]*$/), { minLength: 2 });
    fc.assert(
      fc.property(lines, fc.constantFrom("\n", "\r\n"), (all, lineBreak) => {
        const text = all.join(lineBreak);
        expect(asFile(editable(text), lineBreakOf(text))).toBe(text);
        expect(editable(text)).not.toContain("\r");
      }),
    );
    expect(lineBreakOf("a\r\nb\n")).toBe("mixed");
    expect(lineBreakOf("a\rb")).toBe("mixed");
  });

  it("is drawn only when it cannot hold a script", () => {
    expect(isImage("image/png")).toBe(true);
    expect(isImage("image/svg+xml")).toBe(false);
    expect(isImage("text/html")).toBe(false);
    expect(languageOf("src/a.test.tsx")).toBe("typescript");
    expect(languageOf("ts")).toBe("text");
  });
});

// What a program prints, on the screen.
import type { ReadonlySignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { paletteColor } from "./ansi.ts";
import type { AnsiPiece, AnsiStyle } from "./ansi.ts";
import type { OutputLine, OutputLines } from "./output-lines.ts";
import { VirtualList } from "./virtual-list.tsx";

interface OutputViewProps {
  readonly lines: OutputLines;
  /** Counts up when something was appended, at most once a frame. */
  readonly version: ReadonlySignal<number>;
  readonly label: string;
  /** May make a link of a part of a line, such as a place in the code. */
  readonly decorate?: (text: string) => ComponentChildren;
}

const LINE_HEIGHT = 20;

/** Output as it comes, in its colours. It follows the end until one scrolls up. Text is never taken for markup. */
export function OutputView({ lines, version, label, decorate }: OutputViewProps) {
  const place = useRef<HTMLDivElement>(null);
  const [follows, setFollows] = useState(true);
  const count = version.value;
  const shown = lines.lines();
  const scroller = (): HTMLElement | null => place.current?.querySelector(".virtual") ?? null;
  useEffect(() => {
    const element = scroller();
    if (element === null) return undefined;
    let before = { scrollTop: 0, clientHeight: 0 };
    const look = (): void => {
      const { scrollTop, scrollHeight, clientHeight } = element;
      // More may have come since the end was gone to: only one who goes up wants to stay behind. A place that has become
      // higher shows earlier lines by itself.
      if (scrollHeight - scrollTop - clientHeight < 2 * LINE_HEIGHT) setFollows(true);
      else if (scrollTop < before.scrollTop && clientHeight <= before.clientHeight) setFollows(false);
      before = { scrollTop, clientHeight };
    };
    element.addEventListener("scroll", look, { passive: true });
    return () => element.removeEventListener("scroll", look);
  }, []);
  useEffect(() => {
    const element = scroller();
    if (follows && element !== null) element.scrollTop = element.scrollHeight;
  }, [count, follows]);
  return (
    <div class="output" ref={place}>
      <VirtualList
        label={label}
        role="log"
        items={shown}
        rowHeight={LINE_HEIGHT}
        keyOf={({ number }) => String(number)}
      >
        {(line) => <Line of={line} decorate={decorate} />}
      </VirtualList>
      {!follows && (
        <button type="button" class="to-end" onClick={() => setFollows(true)}>
          ↓ to the end
        </button>
      )}
    </div>
  );
}

interface LineProps {
  readonly of: OutputLine;
  readonly decorate: ((text: string) => ComponentChildren) | undefined;
}

function Line({ of: { stream, pieces }, decorate }: LineProps) {
  return (
    <div class={`output-line ${stream}`}>
      {pieces.map((piece, index) => (
        <Piece key={index} of={piece} decorate={decorate} />
      ))}
    </div>
  );
}

function Piece({
  of: { text, style },
  decorate,
}: {
  readonly of: AnsiPiece;
  readonly decorate: LineProps["decorate"];
}) {
  return <span style={cssOf(style)}>{decorate === undefined ? text : decorate(text)}</span>;
}

function cssOf(style: AnsiStyle): Record<string, string> {
  const color = (value: AnsiStyle["color"]): string | null => (typeof value === "number" ? paletteColor(value) : value);
  const [front, back] = [color(style.color), color(style.background)];
  const [text, ground] = style.inverse ? [back ?? "var(--surface)", front ?? "var(--text)"] : [front, back];
  return {
    ...(text === null ? {} : { color: text }),
    ...(ground === null ? {} : { backgroundColor: ground }),
    ...(style.bold ? { fontWeight: "700" } : {}),
    ...(style.dim ? { opacity: "0.7" } : {}),
    ...(style.italic ? { fontStyle: "italic" } : {}),
    ...(style.underline ? { textDecoration: "underline" } : {}),
  };
}

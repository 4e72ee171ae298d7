// A long list of which only what is seen is drawn.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

interface VirtualListProps<T> {
  readonly items: readonly T[];
  /** Of one row, in pixels: all are as high. */
  readonly rowHeight: number;
  readonly keyOf: (item: T) => string;
  readonly children: (item: T, index: number) => ComponentChildren;
  /** Kept in view, as the keyboard moves through the list. */
  readonly selected?: number | undefined;
  readonly label: string;
  readonly role?: "list" | "tree" | "log";
  readonly class?: string;
  /** Id of the selected row, where the list keeps the focus and its rows are chosen by keys. */
  readonly active?: string | undefined;
  readonly onKeyDown?: (event: KeyboardEvent) => void;
}

/** Rows drawn beyond each edge, so that scrolling does not show a gap. */
const MARGIN = 8;

/** A list that draws only the rows that are seen, however many there are. It fills its place and scrolls by itself. */
export function VirtualList<T>(props: VirtualListProps<T>) {
  const { items, rowHeight, keyOf, children, selected, label, role = "list" } = props;
  const element = useRef<HTMLDivElement>(null);
  const [{ top, height }, setView] = useState({ top: 0, height: 0 });

  useLayoutEffect(() => {
    const list = element.current;
    if (list === null) return undefined;
    const look = (): void => setView({ top: list.scrollTop, height: list.clientHeight });
    const watcher = new ResizeObserver(look);
    watcher.observe(list);
    look();
    list.addEventListener("scroll", look, { passive: true });
    return () => {
      watcher.disconnect();
      list.removeEventListener("scroll", look);
    };
  }, []);

  useEffect(() => {
    const list = element.current;
    if (list === null || selected === undefined || selected < 0) return;
    const [above, below] = [selected * rowHeight, (selected + 1) * rowHeight - list.clientHeight];
    if (list.scrollTop > above) list.scrollTop = above;
    else if (list.scrollTop < below) list.scrollTop = below;
  }, [selected, rowHeight]);

  const first = Math.max(0, Math.floor(top / rowHeight) - MARGIN);
  const last = Math.min(items.length, Math.ceil((top + height) / rowHeight) + MARGIN);
  return (
    <div
      ref={element}
      class={`virtual ${props.class ?? ""}`}
      role={role}
      aria-label={label}
      aria-activedescendant={props.active}
      tabIndex={0}
      onKeyDown={props.onKeyDown}
    >
      <div class="virtual-space" style={{ height: `${items.length * rowHeight}px` }} role="presentation">
        <div class="virtual-seen" style={{ transform: `translateY(${first * rowHeight}px)` }} role="presentation">
          {items.slice(first, last).map((item, index) => (
            <div
              key={keyOf(item)}
              role={role === "list" ? "listitem" : "presentation"}
              aria-setsize={role === "list" ? items.length : undefined}
              aria-posinset={role === "list" ? first + index + 1 : undefined}
              style={{ height: `${rowHeight}px` }}
            >
              {children(item, first + index)}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

// Links between the parts of a page.
import { useEffect, useRef } from "preact/hooks";

interface TabsProps<Name extends string> {
  readonly label: string;
  readonly names: readonly Name[];
  readonly current: Name;
  readonly hrefOf: (name: Name) => string;
}

/** Links between the parts of one thing; each has an address of its own. */
export function Tabs<Name extends string>({ label, names, current, hrefOf }: TabsProps<Name>) {
  const place = useRef<HTMLElement>(null);
  // Where there is no room for all of them the one that is shown is to be seen.
  useEffect(() => {
    place.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [current]);
  return (
    <nav class="tabs" aria-label={label} ref={place}>
      {names.map((name) => (
        <a key={name} href={hrefOf(name)} aria-current={name === current ? "page" : undefined}>
          {name}
        </a>
      ))}
    </nav>
  );
}

// Links between the parts of a page.
interface TabsProps<Name extends string> {
  readonly label: string;
  readonly names: readonly Name[];
  readonly current: Name;
  readonly hrefOf: (name: Name) => string;
}

/** Links between the parts of one thing; each has an address of its own. */
export function Tabs<Name extends string>({ label, names, current, hrefOf }: TabsProps<Name>) {
  return (
    <nav class="tabs" aria-label={label}>
      {names.map((name) => (
        <a key={name} href={hrefOf(name)} aria-current={name === current ? "page" : undefined}>
          {name}
        </a>
      ))}
    </nav>
  );
}

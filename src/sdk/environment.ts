// What the process's environment says, where there is one: browsers and Workers have none.

interface WithEnvironment {
  readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> };
}

/** Undefined also for an empty variable. */
export function readEnvironment(name: string): string | undefined {
  try {
    return (globalThis as WithEnvironment).process?.env?.[name] || undefined;
  } catch {
    // Deno throws where it was not allowed to look.
    return undefined;
  }
}

// Text that a model is to read: bounded, with a word on what was left out.

/** Of one text. A model's context is small beside what a program can print. */
export const TEXT_CHARACTERS = 30_000;

/** Beginning and end, where it is too long: what failed is mostly said last. */
export function clip(text: string, most = TEXT_CHARACTERS): { readonly text: string; readonly clipped: boolean } {
  if (text.length <= most) {
    return { text, clipped: false };
  }
  const head = text.slice(0, most / 2);
  const tail = text.slice(-most / 2);
  const left = text.length - most;
  return { text: `${head}\n… ${left} characters are left out here …\n${tail}`.toWellFormed(), clipped: true };
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

// The name of a file that is still being written; `isDraft` of src/lib/files/paths.ts knows it.

export function newDraftName(): string {
  return `.put_${crypto.randomUUID().replaceAll("-", "")}`;
}

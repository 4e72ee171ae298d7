// The id of a session whose client gives none, in ERA's form.
import { randomText } from "../contract/ids.ts";

const RANDOM_CHARACTERS = 6;

export function autoId(now: number): string {
  return `sess_${now}_${randomText(RANDOM_CHARACTERS)}`;
}

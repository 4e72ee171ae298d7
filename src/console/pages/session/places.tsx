// Places in the run code, found in what it printed.
import type { ComponentChildren } from "preact";

/** The file that an execution's code was run from, as errors name it. */
const PLACE = /(?:\/workspace\/)?[^\s:()]*\.exe_[0-9a-z]{20}\.[a-z]+:(\d+):(\d+)/g;

/** Makes buttons of the places in the run code that an error names. */
export function placesIn(goTo: (line: number, column: number) => void): (text: string) => ComponentChildren {
  return (text) => {
    const parts: ComponentChildren[] = [];
    let from = 0;
    for (const match of text.matchAll(PLACE)) {
      const [line, column] = [Number(match[1]), Number(match[2])];
      parts.push(
        text.slice(from, match.index),
        <button key={match.index} type="button" class="place" onClick={() => goTo(line, column)}>
          line {line}:{column}
        </button>,
      );
      from = match.index + match[0].length;
    }
    return parts.length === 0 ? text : [...parts, text.slice(from)];
  };
}

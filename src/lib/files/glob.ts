// Globs: `*` and `?` within a name, `**` over names, `[a-z]`, `[!a]`, `{a,b}`, `\` before a character meant as itself, and
// `!` in front for the opposite. Pure, and linear in the path for any pattern: all ways of matching are followed at
// once, never one after another.

/** Where a state leads to. */
type State =
  | { readonly kind: "one"; readonly accepts: (character: string) => boolean; readonly next: number }
  | { readonly kind: "any"; readonly next: readonly number[] }
  | { readonly kind: "end" };

export function compileGlob(glob: string): (path: string) => boolean {
  const negations = /^!*/.exec(glob)?.[0].length ?? 0;
  const states = new Compiler(Array.from(glob.slice(negations))).compile();
  return (path) => matches(states, path) !== (negations % 2 === 1);
}

function matches({ states, start }: Program, path: string): boolean {
  let current = new Set<number>();
  reach(states, start, current);
  for (const character of path) {
    const next = new Set<number>();
    for (const at of current) {
      const state = states[at];
      if (state?.kind === "one" && state.accepts(character)) {
        reach(states, state.next, next);
      }
    }
    if (next.size === 0) {
      return false;
    }
    current = next;
  }
  return [...current].some((at) => states[at]?.kind === "end");
}

/** Everything that can be come to without a character. */
function reach(states: readonly State[], from: number, reached: Set<number>): void {
  const open = [from];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (reached.has(at)) {
      continue;
    }
    reached.add(at);
    const state = states[at];
    if (state?.kind === "any") {
      open.push(...state.next);
    }
  }
}

interface Program {
  readonly states: readonly State[];
  readonly start: number;
}

const notSlash = (character: string): boolean => character !== "/";
const anything = (): boolean => true;

/** Builds from the end to the front, as each state names the next one. */
class Compiler {
  readonly #glob: readonly string[];
  readonly #states: State[] = [{ kind: "end" }];

  constructor(glob: readonly string[]) {
    this.#glob = glob;
  }

  compile(): Program {
    return { states: this.#states, start: this.#sequence(0, this.#glob.length, 0) };
  }

  #add(state: State): number {
    return this.#states.push(state) - 1;
  }

  /** Of the pattern from `from` to `to`, going on at `next`; gives where it begins. */
  #sequence(from: number, to: number, next: number): number {
    const parts: ((next: number) => number)[] = [];
    for (let at = from; at < to;) {
      const [part, end] = this.#part(at, from, to);
      parts.push(part);
      at = end;
    }
    return parts.reduceRight((follow, part) => part(follow), next);
  }

  #part(at: number, from: number, to: number): [(next: number) => number, number] {
    const character = this.#glob[at] ?? "";
    if (character === "*") {
      return this.#star(at, from, to);
    }
    if (character === "?") {
      return [(next) => this.#add({ kind: "one", accepts: notSlash, next }), at + 1];
    }
    if (character === "[") {
      const set = this.#characters(at, to);
      if (set !== null) {
        return [(next) => this.#add({ kind: "one", accepts: set.accepts, next }), set.end];
      }
    }
    if (character === "{") {
      const choices = this.#choices(at, to);
      if (choices !== null) {
        const { ranges, end } = choices;
        const part = (next: number): number =>
          this.#add({ kind: "any", next: ranges.map(([start, stop]) => this.#sequence(start, stop, next)) });
        return [part, end];
      }
    }
    const escaped = character === "\\" && at + 1 < to;
    const literal = escaped ? (this.#glob[at + 1] ?? "") : character;
    const accepts = (given: string): boolean => given === literal;
    return [(next) => this.#add({ kind: "one", accepts, next }), at + (escaped ? 2 : 1)];
  }

  #star(at: number, from: number, to: number): [(next: number) => number, number] {
    let end = at;
    while (end < to && this.#glob[end] === "*") {
      end++;
    }
    const opensName = at === from ? this.#beginsName(from) : this.#glob[at - 1] === "/";
    if (end - at === 2 && opensName) {
      if (this.#glob[end] === "/" && end < to) {
        // Any number of whole names, none as well.
        return [(next) => this.#namesThen(next), end + 1];
      }
      if (end === this.#glob.length || end === to) {
        return [(next) => this.#repeat(anything, next), end];
      }
    }
    return [(next) => this.#repeat(notSlash, next), end];
  }

  /** Whether a choice of braces begins where a name does. */
  #beginsName(from: number): boolean {
    let at = from;
    while (at > 0 && (this.#glob[at - 1] === "{" || this.#glob[at - 1] === ",")) {
      at = this.#glob.lastIndexOf("{", at - 1);
    }
    return at <= 0 || this.#glob[at - 1] === "/";
  }

  #repeat(accepts: (character: string) => boolean, next: number): number {
    const loop = this.#states.length;
    this.#states.push({ kind: "any", next: [loop + 1, next] }, { kind: "one", accepts, next: loop });
    return loop;
  }

  #namesThen(next: number): number {
    const start = this.#states.length;
    // start → next, or a name (loop) that ends with a slash → start
    this.#states.push(
      { kind: "any", next: [next, start + 1] },
      { kind: "any", next: [start + 2, start + 3] },
      { kind: "one", accepts: notSlash, next: start + 1 },
      { kind: "one", accepts: (character) => character === "/", next: start },
    );
    return start;
  }

  /** `[a-z]` at `at`; null when it does not end. */
  #characters(at: number, to: number): { accepts: (character: string) => boolean; end: number } | null {
    let position = at + 1;
    const isNegated = this.#glob[position] === "!" || this.#glob[position] === "^";
    if (isNegated) {
      position++;
    }
    const ranges: [number, number][] = [];
    for (let isFirst = true; ; isFirst = false) {
      if (position >= to) {
        return null;
      }
      if (this.#glob[position] === "]" && !isFirst) {
        break;
      }
      const [first, afterFirst] = this.#member(position, to);
      if (this.#glob[afterFirst] === "-" && afterFirst + 1 < to && this.#glob[afterFirst + 1] !== "]") {
        const [last, afterLast] = this.#member(afterFirst + 1, to);
        ranges.push([first, last]);
        position = afterLast;
      } else {
        ranges.push([first, first]);
        position = afterFirst;
      }
    }
    const accepts = (character: string): boolean => {
      const code = character.codePointAt(0) ?? 0;
      return character !== "/" && ranges.some(([low, high]) => code >= low && code <= high) !== isNegated;
    };
    return { accepts, end: position + 1 };
  }

  #member(at: number, to: number): [number, number] {
    const from = this.#glob[at] === "\\" && at + 1 < to ? at + 1 : at;
    return [this.#glob[from]?.codePointAt(0) ?? 0, from + 1];
  }

  /** `{a,b}` at `at`, nested ones included; null when it does not end. */
  #choices(at: number, to: number): { ranges: [number, number][]; end: number } | null {
    const ranges: [number, number][] = [];
    let depth = 0;
    let start = at + 1;
    for (let position = at; position < to; position++) {
      const character = this.#glob[position];
      if (character === "\\") {
        position++;
      } else if (character === "[") {
        position = (this.#characters(position, to)?.end ?? position + 1) - 1;
      } else if (character === "{") {
        depth++;
      } else if (character === "," && depth === 1) {
        ranges.push([start, position]);
        start = position + 1;
      } else if (character === "}" && --depth === 0) {
        ranges.push([start, position]);
        return { ranges, end: position + 1 };
      }
    }
    return null;
  }
}

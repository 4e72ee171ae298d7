// Open directories from the workspace down to the one that is being read. Paths come in order, so the next one is nearly
// always open already. Each is opened by its name in its parent's descriptor, never through a link.
import * as calls from "../linux/file-calls.ts";

export class DirectoryChain implements Disposable {
  readonly #root: number;
  readonly #open: { readonly path: string; readonly fd: number }[] = [];

  /** @throws Error when the workspace cannot be opened */
  constructor(workspace: string) {
    this.#root = calls.openRoot(workspace);
    if (this.#root < 0) throw new Error(`${workspace} cannot be opened: errno ${-this.#root}`);
  }

  /** The directory with this path, `""` being the workspace, or a negative errno. Valid until the next call. */
  descriptor(path: string): number {
    for (let last = this.#open.at(-1); last !== undefined; last = this.#open.at(-1)) {
      if (path === last.path) return last.fd;
      if (path.startsWith(`${last.path}/`)) break;
      this.#open.pop();
      calls.close(last.fd);
    }
    let at = this.#open.at(-1) ?? { path: "", fd: this.#root };
    while (at.path.length < path.length) {
      const start = at.path === "" ? 0 : at.path.length + 1;
      const slash = path.indexOf("/", start);
      const end = slash < 0 ? path.length : slash;
      const fd = calls.openDirectoryAt(at.fd, path.slice(start, end));
      if (fd < 0) return fd;
      at = { path: path.slice(0, end), fd };
      this.#open.push(at);
    }
    return at.fd;
  }

  [Symbol.dispose](): void {
    for (const { fd } of this.#open) calls.close(fd);
    calls.close(this.#root);
  }
}

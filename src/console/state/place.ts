// Where one is: the address is the truth, so that reload, back and a link in a message work.
import { computed, signal } from "@preact/signals";
import { parseRoute, pathOf } from "./route.ts";
import type { Route } from "./route.ts";

const path = signal(location.pathname);
export const route = computed(() => parseRoute(path.value));

/** Goes there, as a click on a link does. `replace` leaves no step to go back to. */
export function go(
  to: Exclude<Route, { page: "nowhere" }>,
  { replace = false }: { readonly replace?: boolean } = {},
): void {
  const target = pathOf(to);
  if (target !== path.value) {
    history[replace ? "replaceState" : "pushState"](null, "", target);
    path.value = target;
    window.scrollTo(0, 0);
  }
}

/** Follows the browser's buttons, and plain clicks on links into the console. */
export function followRoute(): void {
  addEventListener("popstate", () => {
    path.value = location.pathname;
  });
  document.addEventListener("click", (event) => {
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!isPlain || event.defaultPrevented || link === null || link.target !== "" || link.hasAttribute("download"))
      return;
    const url = new URL(link.href, location.href);
    const to = parseRoute(url.pathname);
    if (url.origin !== location.origin || to.page === "nowhere") return;
    event.preventDefault();
    go(to);
  });
}

// For code that makes <style> elements and sets `style` attributes, on a page whose policy forbids both. For the first it is
// given a document where it gets a <template>, which is not shown and which no policy looks at, and its text is mirrored
// into a constructed style sheet; the second is done through `element.style`. These two ways the policy allows.

export interface StyledDocument {
  readonly document: Document;
  /** Runs `work` with the page's own document doing the same, for code that asks that one. */
  within(work: () => void): void;
  /** Takes the styles away again. */
  dispose(): void;
}

export function styledDocument(): StyledDocument {
  const sheets: CSSStyleSheet[] = [];
  const observers: MutationObserver[] = [];
  const originalOf = Document.prototype.createElement.bind(document);
  const createStyle = (): HTMLElement => {
    const element = originalOf("template");
    const sheet = new CSSStyleSheet();
    const observer = new MutationObserver(() => sheet.replaceSync(element.textContent));
    observer.observe(element, { childList: true, characterData: true, subtree: true });
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    sheets.push(sheet);
    observers.push(observer);
    return element;
  };
  const createElement = (name: string, options?: ElementCreationOptions): HTMLElement =>
    name.toLowerCase() === "style" ? createStyle() : originalOf(name, options);
  const proxy = new Proxy(document, {
    get(target, property) {
      if (property === "createElement") return createElement;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
    set: (target, property, value) => Reflect.set(target, property, value, target),
  });
  return {
    document: proxy,
    within(work) {
      Object.assign(document, { createElement });
      try {
        work();
      } finally {
        Reflect.deleteProperty(document, "createElement");
      }
    },
    dispose() {
      for (const observer of observers) observer.disconnect();
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => !sheets.includes(sheet));
    },
  };
}

/** Has `style` attributes of spans set through `element.style`, from now on and everywhere: what comes of it is the same. */
export function allowSpanStyles(): void {
  HTMLSpanElement.prototype.setAttribute = function setAttribute(
    this: HTMLSpanElement,
    name: string,
    value: string,
  ): void {
    if (name === "style") this.style.cssText = value;
    else Element.prototype.setAttribute.call(this, name, value);
  };
}

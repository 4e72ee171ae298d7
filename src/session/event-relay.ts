// Relays server-sent events from the supervisor, so that a source that breaks ends in a last event and not in
// silence. Events are passed on when they are whole: what is glued onto a half one is lost with it. Whoever reads is free
// to go; the source is then cancelled, or drained where its end matters.
import { LINE_FEED, WholeEvents } from "../lib/whole-events.ts";

/** The event that ends a stream. */
export interface LastEvent {
  readonly event: "exit" | "error";
  /** JSON text. */
  readonly data: string;
}

export interface RelayOptions {
  /** Called with everything that comes from the source. */
  readonly seen: (chunk: Uint8Array) => void;
  /** Called with the size of what the reader took. */
  readonly sent: (bytes: number) => void;
  /** Aborted: the reader may read no longer. */
  readonly cut: AbortSignal;
  /** Called when the source broke off; gives the event that the reader gets in place of the rest. */
  readonly broken: (error: unknown) => Promise<LastEvent>;
  /** Called once, when nothing more comes from the source. */
  readonly ended: () => void;
  /** Read the source to its end even when nobody reads any longer. */
  readonly drain: boolean;
}

const ID_LINE = /^id: (\d+)$/;
const ID_LINE_BYTES = 32;

export function relayEvents(source: ReadableStream<Uint8Array>, options: RelayOptions): ReadableStream<Uint8Array> {
  const { readable, writable } = new IdentityTransformStream();
  void pump(source.getReader(), writable.getWriter(), options);
  return readable;
}

async function pump(
  source: ReadableStreamDefaultReader<Uint8Array>,
  sink: WritableStreamDefaultWriter,
  options: RelayOptions,
): Promise<void> {
  let open = true;
  const whole = new WholeEvents();
  let seq = 0;
  const write = async (bytes: Uint8Array): Promise<void> => {
    try {
      await sink.write(bytes);
      options.sent(bytes.length);
    } catch {
      open = false;
    }
  };
  const cut = (): void => {
    open = false;
    sink.abort(options.cut.reason).catch(() => {});
    if (!options.drain) {
      source.cancel(options.cut.reason).catch(() => {});
    }
  };
  options.cut.addEventListener("abort", cut, { once: true });
  if (options.cut.aborted) {
    cut();
  }
  try {
    for (;;) {
      const { done, value } = await source.read();
      if (done) {
        break;
      }
      options.seen(value);
      const events = whole.add(value);
      seq = lastId(events) ?? seq;
      if (open && events.length > 0) {
        await write(events);
      }
      if (!open && !options.drain) {
        await source.cancel();
        break;
      }
    }
  } catch (error) {
    const { event, data } = await options.broken(error);
    await write(new TextEncoder().encode(`event: ${event}\nid: ${seq}\ndata: ${data}\n\n`));
  } finally {
    options.cut.removeEventListener("abort", cut);
    // Whatever goes wrong here, nobody is left waiting.
    sink.close().catch(() => {});
    options.ended();
  }
}

/** The id of the last event that has one; null where none has. */
function lastId(events: Uint8Array): number | null {
  for (let end = events.lastIndexOf(LINE_FEED); end > 0;) {
    const start = events.lastIndexOf(LINE_FEED, end - 1) + 1;
    // Lines of data are long, and not looked into.
    if (end - start <= ID_LINE_BYTES) {
      const [, id] = ID_LINE.exec(new TextDecoder().decode(events.subarray(start, end))) ?? [];
      if (id !== undefined) {
        return Number(id);
      }
    }
    end = start - 1;
  }
  return null;
}

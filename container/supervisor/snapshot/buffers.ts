// Memory that contents are read into, used again and again: what a snapshot needs does not grow with what it saves.
import { ptr } from "bun:ffi";

export interface IoBuffer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly address: number;
}

export class Buffers {
  readonly #free = new Map<number, IoBuffer[]>();

  take(sizeBytes: number): IoBuffer {
    const free = this.#free.get(sizeBytes)?.pop();
    if (free !== undefined) return free;
    const bytes = new Uint8Array(new ArrayBuffer(sizeBytes));
    return { bytes, address: ptr(bytes) };
  }

  give(buffer: IoBuffer): void {
    const free = this.#free.get(buffer.bytes.length) ?? [];
    free.push(buffer);
    this.#free.set(buffer.bytes.length, free);
  }
}

/**
 * Gives memory back now. Left to the garbage collector, which sees only how small the objects are that hold it, megabytes
 * pile up. Nobody may use the bytes any more.
 */
export function freeMemory({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}

// The few functions of Node that the Worker uses: workerd has them by `nodejs_compat`, wrangler's types do not. Node's own
// types would bring Node's globals with them.

declare module "node:buffer" {
  class Buffer extends Uint8Array<ArrayBuffer> {
    static from(text: string): Buffer;
    static from(bytes: ArrayBuffer, byteOffset: number, length: number): Buffer;
    static alloc(size: number): Buffer;
    override indexOf(value: Uint8Array | number, from?: number): number;
    override lastIndexOf(value: number, from?: number): number;
    override subarray(start?: number, end?: number): Buffer;
  }
}

declare module "node:net" {
  class BlockList {
    addSubnet(net: string, prefix: number, family: "ipv4" | "ipv6"): void;
    check(address: string, family: "ipv4" | "ipv6"): boolean;
  }
  function isIPv4(text: string): boolean;
  function isIPv6(text: string): boolean;
}

declare module "node:zlib" {
  /** @throws Error for what is not a zstd frame, or is longer than `maxOutputLength` */
  function zstdDecompressSync(data: Uint8Array, options?: { maxOutputLength?: number }): Uint8Array<ArrayBuffer>;
  /** @throws Error where the result has more than 16 KiB, as of workerd 2026-11 */
  function zstdCompressSync(data: Uint8Array): Uint8Array<ArrayBuffer>;
  function deflateRawSync(data: Uint8Array, options: { level: number; finishFlush: number }): Uint8Array<ArrayBuffer>;
  function gunzipSync(data: Uint8Array): Uint8Array<ArrayBuffer>;
  function crc32(data: Uint8Array, value?: number): number;
  const constants: { readonly Z_FULL_FLUSH: number };
}

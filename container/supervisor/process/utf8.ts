// Where a piece of output may be cut without cutting a UTF-8 character in two.

/** How many bytes at the end of `bytes` begin a character that is not complete yet: 0 to 3. */
export function unfinishedTail(bytes: Uint8Array): number {
  const end = bytes.length;
  for (let back = 1; back <= 3 && back <= end; back++) {
    const byte = bytes[end - back] ?? 0;
    if ((byte & 0b1100_0000) === 0b1000_0000) continue;
    return sequenceLength(byte) > back ? back : 0;
  }
  return 0;
}

/** The longest prefix of at most `maxBytes` that ends between two characters. */
export function cutAt(bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (bytes.length <= maxBytes) return bytes;
  const head = bytes.subarray(0, maxBytes);
  return head.subarray(0, head.length - unfinishedTail(head));
}

function sequenceLength(leadByte: number): number {
  if (leadByte >= 0xc2 && leadByte <= 0xdf) return 2;
  if (leadByte >= 0xe0 && leadByte <= 0xef) return 3;
  if (leadByte >= 0xf0 && leadByte <= 0xf4) return 4;
  return 1;
}

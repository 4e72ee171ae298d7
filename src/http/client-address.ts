// Where a request comes from, in the words of who put it before this Worker: a header that a client could have written
// itself says nothing. Pure.

const CLOUDFLARE = "cf-connecting-ip";
const ADDRESS = /^[0-9a-f.:]{2,45}$/;

/** Null where nobody who can be believed tells it. `header`: Env's CLIENT_ADDRESS_HEADER. */
export function clientAddress(request: Request, header = CLOUDFLARE): string | null {
  if (header === "") {
    return null;
  }
  // A proxy adds what it has seen to what the client said.
  const value = request.headers.get(header)?.split(",").at(-1)?.trim().toLowerCase() ?? "";
  return ADDRESS.test(value) ? value : null;
}

/** Who counts as one: an IPv6 client has all addresses of its network of 64 bits. */
export function clientGroup(address: string): string {
  if (!address.includes(":") || address.includes(".")) {
    return address;
  }
  const [head = "", tail = ""] = address.split("::");
  const words = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const [first, last] = [words(head), words(tail)];
  const zeros = Array.from({ length: Math.max(0, 8 - first.length - last.length) }, () => "0");
  return [...first, ...(address.includes("::") ? zeros : []), ...last]
    .slice(0, 4)
    .map((word) => word.replace(/^0+(?=.)/, ""))
    .join(":");
}

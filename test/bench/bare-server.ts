// Run by bun, in the bench's session and bare beside it: the server whose previews, and whose direct answers, are
// measured. `PORT` says where; a bare one also takes uploads, as the floor of file transfers.
declare const Bun: {
  serve(options: {
    readonly port: number;
    readonly maxRequestBodySize: number;
    fetch(request: Request): Response | Promise<Response>;
  }): { readonly port: number };
  file(path: string): Blob;
  write(path: string, content: Response | string): Promise<number>;
};

const small = "x".repeat(1024);
const large = new Uint8Array(100 * 1024 * 1024).fill(120);

const server = Bun.serve({
  port: Number(process.env["PORT"] ?? 8080),
  maxRequestBodySize: 1e10,
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/small") return new Response(small);
    if (pathname === "/large") return new Response(large);
    if (request.method === "PUT") {
      await Bun.write(`.${pathname}`, new Response(request.body));
      return new Response("written");
    }
    return new Response(Bun.file(`.${pathname}`));
  },
});
console.log(`listening ${server.port}`);

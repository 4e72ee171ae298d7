// The interpreter of a context in JavaScript or TypeScript: `bun --smol javascript.ts`, with requests on descriptor 3 and
// events on 4. See javascript/kernel.ts.
import { Kernel } from "./javascript/kernel.ts";

new Kernel().serve();

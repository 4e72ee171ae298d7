// One platform per data directory: two would write the same databases. Held by an abstract Unix socket, which Linux
// gives up with the process however that ends; elsewhere there is no lock.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { realpath } from "node:fs/promises";
import { createServer } from "node:net";

/**
 * Resolves with what gives it up.
 * @throws Error when another platform holds the directory, of this process or of another
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  if (process.platform !== "linux") return async () => {};
  const name = createHash("sha256")
    .update(await realpath(directory))
    .digest("hex");
  const lock = createServer();
  lock.listen(`\0buntime-${name}`);
  try {
    await once(lock, "listening");
  } catch (cause) {
    throw new Error(`${directory} is used by another buntime; stop it, or choose another with BUNTIME_DATA_DIR=`, {
      cause,
    });
  }
  lock.unref();
  return async () => {
    lock.close();
    await once(lock, "close");
  };
}

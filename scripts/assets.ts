// What wrangler runs before it serves or deploys the Worker: makes the static files that it serves.
import { buildAssets } from "../src/local/assets.ts";
import { ROOT } from "../src/local/repository.ts";

await buildAssets(ROOT);

// What a started platform says: the line that other programs wait for, the key when its owner cannot know it yet, and
// a first call to paste.
import path from "node:path";
import type { Settings } from "./settings.ts";

export function readyMessage(url: string, { apiKey, dataDirectory, keyIsGenerated }: Settings): string {
  const keyFile = path.relative(process.cwd(), path.join(dataDirectory, "api-key"));
  return [
    `buntime ready ${url}`,
    ...(keyIsGenerated ? [`  key  ${apiKey}  (kept in ${keyFile})`] : []),
    `  try  curl ${url}/api/execute -H "authorization: Bearer ${keyIsGenerated ? apiKey : "$BUNTIME_API_KEY"}" \\`,
    `         --json '{"code": "console.log(1 + 1)"}'`,
  ].join("\n");
}

// A plan's limits on files that travel inside JSON. Pure.
import type { FileInput } from "../contract/files.ts";
import type { Plan } from "../contract/limits.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";

export function checkFiles(files: readonly FileInput[], plan: Plan): Result<null> {
  if (files.length > plan.filesPerRequest) {
    return fail("payload_too_large", `${files.length} files are more than the ${plan.filesPerRequest} of your plan.`, {
      max: plan.filesPerRequest,
    });
  }
  const large = files.find((file) => isLarger(file, plan.fileBytes));
  return large === undefined
    ? ok(null)
    : fail(
        "payload_too_large",
        `${large.path} is larger than ${plan.fileBytes} bytes. Upload it as raw bytes with PUT.`,
        {
          path: large.path,
          maxBytes: plan.fileBytes,
        },
      );
}

function isLarger({ content, encoding }: FileInput, limitBytes: number): boolean {
  if (encoding === "base64") {
    const padding = content.endsWith("==") ? 2 : content.endsWith("=") ? 1 : 0;
    return (content.length / 4) * 3 - padding > limitBytes;
  }
  // A UTF-16 unit takes three bytes at the most, so few texts have to be counted.
  return content.length * 3 > limitBytes && new TextEncoder().encode(content).length > limitBytes;
}

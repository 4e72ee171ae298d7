// `buntime login`: checks a key against the API and stores it.
import type { Command } from "commander";
import { ask } from "../ask.ts";
import { clientOf } from "../client.ts";
import { hasCode, usage } from "../failure.ts";
import { note, printJson } from "../output.ts";
import { configFile, DEFAULT_PROFILE, isProfileName, writeProfile } from "../profile.ts";
import { examples } from "../program.ts";
import { globalsOf, parseBaseUrl, PUBLIC_URL } from "../settings.ts";

export function define(login: Command): void {
  login
    .description(
      "Check an API key and store it with the API's address, so that other verbs find them. What is not given as an option " +
        "or in the environment is asked for. Where stdin is no terminal, the key is its first line.",
    )
    .addHelpText(
      "after",
      examples(
        "$ buntime login",
        "$ buntime login --profile local --base-url http://localhost:8787/api",
        "$ pass show buntime | buntime login",
      ),
    )
    .action(store);
}

async function store(_: object, command: Command): Promise<void> {
  const { json, profile = process.env["BUNTIME_PROFILE"] || DEFAULT_PROFILE, ...given } = globalsOf(command);
  if (!isProfileName(profile)) throw usage(`${JSON.stringify(profile)} is not a profile's name`);
  const interactive = process.stdin.isTTY;
  const address =
    given.baseUrl ??
    (process.env["BUNTIME_BASE_URL"] ||
      (interactive && (await ask(`Address of the API [${PUBLIC_URL}]: `))) ||
      PUBLIC_URL);
  const apiKey =
    given.apiKey ?? (process.env["BUNTIME_API_KEY"] || (await ask(interactive ? "API key: " : "", { secret: true })));
  if (!/^[\x21-\x7e]+$/.test(apiKey))
    throw usage("that is not an API key", "A key looks like btk_ and letters and digits.");
  const baseUrl = await check(parseBaseUrl(address), apiKey);
  await writeProfile(profile, { apiKey, baseUrl });
  if (json) printJson({ profile, baseUrl, file: configFile() });
  else note(`The key opens ${baseUrl}. Stored as ${profile} in ${configFile()}.`);
}

/** The address under which the key is good: as given, or with `/api`, where the main host of a platform has it. */
async function check(baseUrl: string, apiKey: string): Promise<string> {
  const answers = async (url: string): Promise<void> => {
    const client = await clientOf({ baseUrl: url, apiKey }, { maxRetries: 0 });
    await client.sessions.list({ limit: 1 }).catch((error: unknown) => {
      // A key that may do less is a key all the same.
      if (!hasCode(error, "forbidden")) throw error;
    });
  };
  try {
    await answers(baseUrl);
    return baseUrl;
  } catch (error) {
    if (!hasCode(error, "not_found") && !hasCode(error, "invalid_response")) throw error;
    await answers(`${baseUrl}/api`).catch(() => {
      throw error;
    });
    return `${baseUrl}/api`;
  }
}

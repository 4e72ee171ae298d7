// `buntime completion`: scripts for shells, which ask `buntime __complete` for what can come next.
import { Argument } from "commander";
import type { Command } from "commander";
import { BASH, FISH, ZSH } from "../completion-scripts.ts";
import { examples } from "../program.ts";

const SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH } as const;

export function define(completion: Command): void {
  completion
    .addArgument(new Argument("<shell>", "which one").choices(Object.keys(SCRIPTS)))
    .description(
      "Print a script that completes buntime's verbs, options, and the ids, names and paths of what there is on the platform.",
    )
    .addHelpText(
      "after",
      examples(
        "$ echo 'source <(buntime completion bash)' >> ~/.bashrc",
        "$ buntime completion zsh > ~/.zsh/completions/_buntime",
        "$ buntime completion fish > ~/.config/fish/completions/buntime.fish",
      ),
    )
    .action((shell: keyof typeof SCRIPTS) => void process.stdout.write(SCRIPTS[shell]));
}

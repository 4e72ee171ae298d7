// `buntime completion`: scripts for shells, which ask `buntime __complete` for what can come next.
import { Argument } from "commander";
import type { Command } from "commander";
import { examples } from "../program.ts";

const NO_SPACE = "a word that ends in / or : goes on";

const BASH = `# ${NO_SPACE}
_buntime() {
  local IFS=$'\\n' cur words cword line
  if declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref -n =: cur words cword
  else
    # A colon ends a word for readline; here it does not.
    words=() cword=0
    local upto="\${COMP_LINE:0:COMP_POINT}"
    IFS=$' \\t' read -ra words <<<"$upto"
    [[ "$upto" == *[[:space:]] ]] && words+=("")
    cword=$((\${#words[@]} - 1))
    cur="\${words[cword]}"
    IFS=$'\\n'
  fi
  COMPREPLY=()
  while IFS= read -r line; do
    [[ -n "$line" ]] && COMPREPLY+=("$(printf '%q' "\${line%%$'\\t'*}" | sed 's/\\\\:/:/g')")
  done < <("\${words[0]}" __complete "\${words[@]:1:cword}" 2>/dev/null)
  if [[ \${#COMPREPLY[@]} -eq 1 && "\${COMPREPLY[0]}" == *[:/] ]]; then compopt -o nospace 2>/dev/null; fi
  if [[ "\${words[1]}" == cp || "\${words[1]}" == run ]]; then
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$cur")
    compopt -o filenames 2>/dev/null
  fi
  # What stands before a colon is on the line already.
  if [[ "$cur" == *:* && "$COMP_WORDBREAKS" == *:* ]]; then
    local head="\${cur%"\${cur##*:}"}" i
    for i in "\${!COMPREPLY[@]}"; do COMPREPLY[i]="\${COMPREPLY[i]#"$head"}"; done
  fi
}
complete -F _buntime buntime
`;

const ZSH = `#compdef buntime
# ${NO_SPACE}
_buntime() {
  local -a open closed
  local line text
  while IFS= read -r line; do
    text="\${line%%$'\\t'*}"
    [[ -z "$text" ]] && continue
    if [[ "$text" == *[:/] ]]; then open+=("$text"); else closed+=("$text"); fi
  done < <("\${words[1]}" __complete "\${(@Q)words[2,CURRENT]}" 2>/dev/null)
  (( \${#open} )) && compadd -S '' -- "\${open[@]}"
  (( \${#closed} )) && compadd -- "\${closed[@]}"
  [[ "\${words[2]}" == (cp|run) ]] && _files
  return 0
}
if [[ "\${funcstack[1]}" == _buntime ]]; then _buntime "$@"; else compdef _buntime buntime; fi
`;

const FISH = `function __buntime_complete
  set -l words (commandline -opc) (commandline -ct)
  command $words[1] __complete $words[2..-1] 2>/dev/null
end
complete -c buntime -f -n 'not __fish_seen_subcommand_from cp run' -a '(__buntime_complete)'
complete -c buntime -n '__fish_seen_subcommand_from cp run' -a '(__buntime_complete)'
`;

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

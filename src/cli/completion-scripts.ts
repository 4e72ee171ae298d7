// The scripts that `buntime completion` prints. Each asks `buntime __complete` with the words so far, as the program would
// get them, and puts what comes back onto the line as its shell quotes.

export const BASH = `# A candidate per line, behind a tab what it is; a tab and "files": local files, too. A word that ends in / or : goes on.
_buntime() {
  local line="\${COMP_LINE:0:COMP_POINT}" word="" open="" program char text
  local -i at head=0 before=0 begun=0 files=0
  local -a words=() found=()
  # What is typed, as the program would get it. readline replaces what stands behind the last of its word breaks.
  for ((at = 0; at < \${#line}; at++)); do
    char="\${line:at:1}"
    if [[ -n "$open" ]]; then
      if [[ "$char" == "$open" ]]; then
        open="" head=before
      elif [[ "$open$char" == '"\\' && "\${line:at+1:1}" == [\\"\\\\\\$\\\`] ]]; then
        at+=1
        word+="\${line:at:1}"
      else
        word+="$char"
      fi
    elif [[ "$char" == [\\"\\'] ]]; then
      open="$char" before=head head=\${#word} begun=1
    elif [[ "$char" == \\\\ ]]; then
      at+=1
      word+="\${line:at:1}" begun=1
    elif [[ "$char" == [[:space:]] ]]; then
      ((begun)) && words+=("$word")
      word="" head=0 begun=0
    else
      word+="$char" begun=1
      [[ "$COMP_WORDBREAKS" == *"$char"* ]] && head=\${#word}
    fi
  done
  program="\${words[0]}"
  type -P -- "$program" >/dev/null || program=buntime
  while IFS= read -r line; do
    text="\${line%%$'\\t'*}"
    if [[ "$line" == $'\\tfiles' ]]; then files=1; elif [[ -n "$text" ]]; then found+=("$text"); fi
  done < <("$program" __complete "\${words[@]:1}" "$word" 2>/dev/null)
  if ((files)); then
    while IFS= read -r text; do
      [[ -d "\${text/#\\~\\//$HOME/}" ]] && text+=/
      found+=("$text")
    done < <(compgen -f -- "$word")
  fi
  COMPREPLY=()
  for text in "\${found[@]}"; do
    text="\${text:head}"
    if [[ "$open" == '"' ]]; then
      text="$(sed 's/[\\\\"$\`]/\\\\&/g' <<<"$text")"
    elif [[ -z "$open" && "$text" == \\~/?* ]]; then
      printf -v text '~/%q' "\${text:2}"
    elif [[ -z "$open" ]]; then
      printf -v text '%q' "$text"
    fi
    COMPREPLY+=("$text")
  done
  if [[ \${#found[@]} -eq 1 && "\${found[0]}" == *[:/] ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -F _buntime buntime
`;

export const ZSH = `#compdef buntime
# A candidate per line, behind a tab what it is; a tab and "files": local files, too. A word that ends in / or : goes on.
_buntime() {
  local -a open closed
  local line text typed="$PREFIX" program="\${(Q)words[1]}"
  local -i files=0
  # Inside of quotes that are open it is as the program would get it.
  [[ -z "$QIPREFIX" ]] && typed="\${(Q)PREFIX}"
  whence -p -- "$program" >/dev/null || program=buntime
  while IFS= read -r line; do
    text="\${line%%$'\\t'*}"
    if [[ "$line" == $'\\tfiles' ]]; then
      files=1
    elif [[ "$text" == *[:/] ]]; then
      open+=("$text")
    elif [[ -n "$text" ]]; then
      closed+=("$text")
    fi
  done < <("$program" __complete "\${(@Q)words[2,CURRENT-1]}" "$typed" 2>/dev/null)
  (( \${#open} )) && compadd -S '' -- "\${open[@]}"
  (( \${#closed} )) && compadd -- "\${closed[@]}"
  (( files )) && _files
  return 0
}
if [[ "\${funcstack[1]}" == _buntime ]]; then _buntime "$@"; else compdef _buntime buntime; fi
`;

export const FISH = `# A candidate per line, behind a tab what it is; a tab and "files": local files, too.
function __buntime_complete
  set -l words (commandline -opc)
  # As the program would get it, also inside of quotes that are open.
  set -l typed (string unescape -- (commandline -ct))
  command -q $words[1]; or set words[1] buntime
  for line in (command $words[1] __complete $words[2..-1] "$typed" 2>/dev/null)
    if test "$line" = \\tfiles
      __fish_complete_path "$typed"
    else
      printf '%s\\n' $line
    end
  end
end
complete -c buntime -f -a '(__buntime_complete)'
`;

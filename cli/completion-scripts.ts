/**
 * Completion scripts for bash and zsh. Each calls `durable-export complete -- WORDS`, which prints
 * one candidate per line (`value<TAB>description`) and a last line that starts with a colon.
 * Without a candidate, the shell completes file names. Nothing that was typed is evaluated, and
 * bash needs no package: it may be version 3.2, which macOS ships.
 */
export const COMPLETION_SCRIPTS: Readonly<Record<string, string>> = {
  bash: `# bash completion for durable-export
_durable_export() {
  local line current=\${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in :*) continue ;; esac
    line=\${line%%$'\\t'*}
    case $line in "$current"*) COMPREPLY+=("$line") ;; esac
  done < <(durable-export complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _durable_export durable-export
`,
  zsh: `#compdef durable-export
# zsh completion for durable-export
_durable_export() {
  local line
  local -a candidates
  while IFS= read -r line; do
    [[ $line == :* ]] && continue
    line=\${line%$'\\t'}
    candidates+=("\${\${line//:/\\\\:}/$'\\t'/:}")
  done < <(durable-export complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#candidates} )); then _describe 'durable-export' candidates; else _files; fi
}
if [[ \${funcstack[1]} == _durable_export ]] then _durable_export; else compdef _durable_export durable-export; fi
`,
};

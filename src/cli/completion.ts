import type { Command, Option } from 'commander';

export const COMPLETION_SHELLS = ['bash', 'zsh', 'fish'] as const;
export type CompletionShell = (typeof COMPLETION_SHELLS)[number];

/** What can follow a chain of words: `run`, `ledger rebuild`, or nothing for the program itself. */
interface Node {
  readonly words: readonly string[];
  readonly commands: readonly { readonly name: string; readonly summary: string }[];
  readonly flags: readonly Flag[];
  /** Fixed values of the operands. */
  readonly values: readonly string[];
}

interface Flag {
  readonly long: string;
  readonly summary: string;
  readonly takes_value: boolean;
  readonly values: readonly string[];
}

/** A completion script made from the program itself, so that a new command or flag needs no edit here. */
export function completionScript(program: Command, shell: CompletionShell): string {
  const nodes = nodesOf(program, []);
  if (shell === 'bash') return bashScript(nodes);
  return shell === 'zsh' ? zshScript(nodes) : fishScript(nodes);
}

function nodesOf(command: Command, words: readonly string[]): readonly Node[] {
  const own: Node = {
    words,
    commands: command.commands.map((one) => ({ name: one.name(), summary: oneLine(one.description()) })),
    flags: [
      ...command.options.filter((one) => !one.hidden).flatMap(flagOf),
      { long: '--help', summary: 'print help', takes_value: false, values: [] },
    ],
    values: command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
  };
  return [own, ...command.commands.flatMap((one) => nodesOf(one, [...words, one.name()]))];
}

function flagOf(option: Option): readonly Flag[] {
  if (option.long === undefined || option.long === null) return [];
  return [
    {
      long: option.long,
      summary: oneLine(option.description),
      takes_value: option.required || option.optional,
      values: option.argChoices ?? [],
    },
  ];
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}

/** Single quotes for sh: the text stands as it is. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Flags whose value must not be taken for a command, as a `case` pattern. */
function valueFlags(nodes: readonly Node[]): string {
  return [
    ...new Set(nodes.flatMap((node) => node.flags.filter((flag) => flag.takes_value).map((flag) => flag.long))),
  ].join('|');
}

function bashScript(nodes: readonly Node[]): string {
  const chains = nodes.map((node) => node.words.join(' '));
  const cases = nodes.map((node) => {
    const words = [...node.commands.map((one) => one.name), ...node.values, ...node.flags.map((flag) => flag.long)];
    return `    ${quoted(node.words.join(' '))}) words=${quoted(words.join(' '))} ;;`;
  });
  return `# bash completion for dataflow
_dataflow() {
  local cur prev chain word words i skip
  cur="\${COMP_WORDS[COMP_CWORD]}"
  prev="\${COMP_WORDS[COMP_CWORD-1]}"
  chain=''
  skip=0
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if ((skip)); then skip=0; continue; fi
    case "$word" in
      ${valueFlags(nodes)}) skip=1; continue ;;
      -*) continue ;;
    esac
    case "\${chain:+$chain }$word" in
      ${chains
        .filter((chain) => chain !== '')
        .map(quoted)
        .join('|')}) chain="\${chain:+$chain }$word" ;;
    esac
  done
  case "$chain $prev" in
${flagValueCases(nodes, (node, flag) => `    ${quoted(`${node.words.join(' ')} ${flag.long}`)}) COMPREPLY=($(compgen ${flag.values.length === 0 ? '-f' : `-W ${quoted(flag.values.join(' '))}`} -- "$cur")); return ;;`)}
  esac
  case "$chain" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _dataflow dataflow
`;
}

function flagValueCases(nodes: readonly Node[], line: (node: Node, flag: Flag) => string): string {
  return nodes
    .flatMap((node) => node.flags.filter((flag) => flag.takes_value).map((flag) => line(node, flag)))
    .join('\n');
}

function zshScript(nodes: readonly Node[]): string {
  const describe = (name: string, summary: string): string => quoted(`${name.replaceAll(':', '\\:')}:${summary}`);
  const cases = nodes.map((node) => {
    const commands = [
      ...node.commands.map((one) => describe(one.name, one.summary)),
      ...node.values.map((value) => describe(value, value)),
    ];
    const flags = node.flags.map((flag) => describe(flag.long, flag.summary));
    return `    ${quoted(node.words.join(' '))}) commands=(${commands.join(' ')}); flags=(${flags.join(' ')}) ;;`;
  });
  const chains = nodes.map((node) => node.words.join(' ')).filter((chain) => chain !== '');
  return `#compdef dataflow
# zsh completion for dataflow
_dataflow() {
  local chain='' word i skip=0
  local -a commands flags
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    if ((skip)); then skip=0; continue; fi
    case "$word" in
      ${valueFlags(nodes)}) skip=1; continue ;;
      -*) continue ;;
    esac
    case "\${chain:+$chain }$word" in
      ${chains.map(quoted).join('|')}) chain="\${chain:+$chain }$word" ;;
    esac
  done
  case "$chain \${words[CURRENT-1]}" in
${flagValueCases(nodes, (node, flag) => `    ${quoted(`${node.words.join(' ')} ${flag.long}`)}) ${flag.values.length === 0 ? '_files' : `compadd -- ${flag.values.map(quoted).join(' ')}`}; return ;;`)}
  esac
  case "$chain" in
${cases.join('\n')}
  esac
  if [[ "\${words[CURRENT]}" == -* ]]; then
    _describe 'flag' flags
  elif ((\${#commands})); then
    _describe 'command' commands
  else
    _files
  fi
}
if [ "$funcstack[1]" = "_dataflow" ]; then _dataflow; else compdef _dataflow dataflow; fi
`;
}

function fishScript(nodes: readonly Node[]): string {
  const lines = nodes.flatMap((node) => {
    const here = fishCondition(node);
    const commands = node.commands.map(
      (one) => `complete -c dataflow -n ${here} -f -a ${fishQuoted(one.name)} -d ${fishQuoted(one.summary)}`,
    );
    const values = node.values.map((value) => `complete -c dataflow -n ${here} -f -a ${fishQuoted(value)}`);
    const flags = node.flags.map((flag) => {
      const value =
        flag.values.length > 0 ? ` -x -a ${fishQuoted(flag.values.join(' '))}` : flag.takes_value ? ' -r' : '';
      return `complete -c dataflow -n ${here} -l ${flag.long.slice(2)}${value} -d ${fishQuoted(flag.summary)}`;
    });
    return [...commands, ...values, ...flags];
  });
  return `# fish completion for dataflow\n${lines.join('\n')}\n`;
}

function fishCondition(node: Node): string {
  if (node.words.length === 0) return '__fish_use_subcommand';
  const seen = node.words.map((word) => `__fish_seen_subcommand_from ${word}`);
  const subs = node.commands.map((one) => one.name).join(' ');
  return fishQuoted([...seen, ...(subs === '' ? [] : [`not __fish_seen_subcommand_from ${subs}`])].join('; and '));
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

import type { CommandLine } from '../../core/ports/server.ts';
import { shellWord } from '../../kit/shell-word.ts';
import type { Invocation } from '../command-spec.ts';

/** How `dataflow <words>` is started for the project of this command. */
export function ownCommand({ config }: Invocation['options']): (words: readonly string[]) => CommandLine {
  const place = typeof config === 'string' ? ['--config', config] : [];
  return (words) => {
    const all = [...words, ...place];
    const shown = ['dataflow', ...all.map(shellWord)].join(' ');
    return { shown, program: process.execPath, args: [process.argv[1] ?? '', ...all] };
  };
}

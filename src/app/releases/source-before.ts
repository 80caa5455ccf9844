import type { InputRecord, Ledger, UndoOutcome } from '../../core/ports/ledger.ts';

/** How the units of a source were known before, against how they are known now. */
export function sourceBefore(
  ledger: Ledger,
  step: string,
  without: ReadonlySet<string>,
): Pick<UndoOutcome, 'inputs_undone' | 'inputs_back' | 'dialect'> {
  if (!step.startsWith('bronze.')) return { inputs_undone: [], inputs_back: [] };
  const source = step.slice('bronze.'.length);
  const then = new Map(ledger.inputsOutside(source, without).map((input) => [input.path, input]));
  const now = new Map(ledger.inputs(source).map((input) => [input.path, input]));
  const marks = new Map(ledger.undoneInputs(source).map((input) => [`${input.path}\n${input.sha256}`, input]));
  const differs = (path: string): boolean => {
    const [a, b] = [then.get(path), now.get(path)];
    return a?.sha256 !== b?.sha256 || a?.status !== b?.status;
  };
  // A unit that was removed and is loaded again is not taken back, it comes back.
  const returns = (input: InputRecord): boolean =>
    input.status === 'removed' && then.get(input.path)?.sha256 === input.sha256;
  const undone = [...now.values()].filter((input) => differs(input.path) && !returns(input));
  const back = [...then.values()].filter((input) => differs(input.path));
  const present = ledger.dialect(source);
  const dialect = ledger.dialectOutside(source, without) ?? null;
  return {
    inputs_undone: undone.map(({ path, size_bytes, mtime_ns, inode, sha256, run_id }) => ({
      path,
      size_bytes,
      mtime_ns,
      inode,
      sha256,
      run_id,
    })),
    inputs_back: back.map((input) => {
      const mark = marks.get(`${input.path}\n${input.sha256}`);
      return mark === undefined ? input : { ...input, mtime_ns: mark.mtime_ns || '0', inode: mark.inode };
    }),
    ...(JSON.stringify(dialect) === JSON.stringify(present ?? null) ? {} : { dialect }),
  };
}

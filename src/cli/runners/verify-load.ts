import { compareLoad } from '../../app/load/compare-load.ts';
import type { Project } from '../../core/model/project.ts';
import type { Invocation } from '../command-spec.ts';
import { countText } from '../shared/sizes.ts';
import { printWrapped } from '../shared/wrapped.ts';

/** `verify --at NAME` of a load: whether the destination has the rows of the newest release. Exit 1 when it has not. */
export async function verifyLoad(
  { rooms, printer, signal }: Invocation,
  project: Project,
  name: string,
): Promise<number> {
  const proof = await compareLoad(rooms, project, { name, signal, note: (text) => printer.note(text) });
  printer.report({
    document: proof,
    sections: [
      {
        columns: [
          { name: 'table' },
          { name: 'rows_lake', title: 'in the lake' },
          { name: 'rows_there', title: 'there' },
          { name: 'only_lake', title: 'only here' },
          { name: 'only_there', title: 'only there' },
          { name: 'equal', title: '', format: (value) => (value === true ? 'equal' : 'DIFFERENT') },
        ],
        rows: proof.tables.map((table) => ({ ...table })),
      },
    ],
  });
  printer.text('');
  for (const { table, words, samples } of proof.tables) {
    if (words !== null) printWrapped(printer, `  ${table}: ${words}`);
    for (const sample of samples) printWrapped(printer, `  ${table}: ${sample}`);
  }
  const different = proof.tables.filter(({ equal }) => !equal).length;
  printWrapped(
    printer,
    proof.equal
      ? `equal: ${proof.place} has all rows of release ${proof.release_id}`
      : `${countText(different, 'table is', 'tables are')} not equal at ${proof.place}; next: dataflow load ${name} --dry-run`,
  );
  return proof.equal ? 0 : 1;
}

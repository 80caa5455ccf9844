import { verifyMirror } from '../../app/mirror/verify-mirror.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import { nameHint } from '../../kit/name-list.ts';
import { sizeText } from '../../kit/units.ts';
import type { Invocation } from '../command-spec.ts';
import { startProgress } from '../progress.ts';
import { loadProjectFor } from '../shared/open.ts';
import { countText } from '../shared/sizes.ts';

/** @throws DataflowError E_SELECTION when neither a load nor a mirror has the name */
function knownPlace({ loads = {}, mirrors = {} }: Project, name: string): void {
  if (mirrors[name] !== undefined) return;
  const names = [...Object.keys(loads), ...Object.keys(mirrors)];
  throw new DataflowError('E_SELECTION', `there is neither a load nor a mirror ${name}`, {
    hint: names.length === 0 ? 'The project has neither `loads:` nor `mirrors:`.' : nameHint(name, names),
  });
}

/** `verify --at NAME`: whether what lies elsewhere is equal to the newest release. Exit 1 when it is not. */
export async function verifyAt(invocation: Invocation, name: string): Promise<number> {
  const { rooms, printer, signal, env } = invocation;
  const { project } = await loadProjectFor(invocation);
  if (project.loads?.[name] !== undefined)
    return (await import('./verify-load.ts')).verifyLoad(invocation, project, name);
  knownPlace(project, name);
  const progress = await startProgress(printer, 'comparing', env);
  const proof = await verifyMirror(rooms, project, { name, signal, note: (text) => printer.note(text) }).finally(() =>
    progress.stop(),
  );
  const rows = proof.lines.filter(({ mark }) => mark !== '-').map((line) => ({ ...line }));
  printer.report({
    document: proof,
    sections:
      rows.length === 0 && printer.format === 'table'
        ? []
        : [
            {
              columns: [
                { name: 'mark', title: '' },
                { name: 'path' },
                { name: 'size_bytes', title: 'size', align: 'right', format: (value) => sizeText(Number(value)) },
                { name: 'why' },
              ],
              rows,
            },
          ],
  });
  if (rows.length > 0) printer.text('');
  const there = `${proof.place} holds ${countText(proof.files_there, 'file')} (${sizeText(proof.bytes_there)})`;
  printer.text(there);
  printer.text(
    proof.equal
      ? `equal: all ${countText(proof.counts['='] ?? 0, 'file')} of release ${proof.release_id} have the same checksum there`
      : `${countText(rows.length, 'file is', 'files are')} not equal; next: dataflow sync ${name} --dry-run`,
  );
  return proof.equal ? 0 : 1;
}

import { validateProject } from '../../app/project/validate-project.ts';
import { buildGraph } from '../../core/planning/graph.ts';
import type { Invocation } from '../command-spec.ts';
import { dialectAsked, validateModels } from '../shared/validate-models.ts';

/** Exit 2 when something is wrong; with `--format json` the problems are data on stdout. */
export async function validate(invocation: Invocation): Promise<number> {
  const { rooms, printer, options, cwd, env } = invocation;
  const config = options['config'];
  const components = await rooms.components();
  const found = await validateProject({ cwd, env, components, ...(typeof config === 'string' ? { config } : {}) });
  for (const warning of found.warnings) printer.warn(warning);
  const engine = dialectAsked(options);
  if (found.project !== undefined && found.valid && engine !== undefined)
    return validateModels(invocation, found.project, engine);
  if (found.project !== undefined && found.valid) {
    const graph = buildGraph(found.project, components.checks);
    const count = (layer: string): number => graph.nodes.filter((node) => node.layer === layer).length;
    const tables = { bronze: count('bronze'), silver: count('silver'), gold: count('gold') };
    printer.report({ document: { valid: true, problems: [], files: found.files, tables }, sections: [] });
    printer.text(
      `${found.project.name}: valid. ${tables.bronze} bronze, ${tables.silver} silver, ${tables.gold} gold tables from ${found.files.length} file${found.files.length === 1 ? '' : 's'}`,
    );
    return 0;
  }
  printer.report({
    document: { valid: false, problems: found.problems, files: found.files },
    sections:
      printer.format === 'table'
        ? []
        : [
            {
              columns: ['code', 'file', 'line', 'column', 'message', 'hint'],
              rows: found.problems.map((one) => ({ ...one })),
            },
          ],
  });
  if (printer.format !== 'table') return 2;
  // Loading meets the same problems and throws them for the shared rendering.
  await rooms.loadProject({ cwd, env, ...(typeof config === 'string' ? { config } : {}) });
  return 2;
}

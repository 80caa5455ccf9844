import type { $ZodType } from 'zod/v4/core';
import { DataflowError } from '../errors/dataflow-error.ts';
import { type Components, isSecret, shapeOf } from './components.ts';
import { type ConfigTree, isContainer, type Path, problemAt } from './tree.ts';

const FILE_REFERENCE = /^file:(?:\/\/)?(.+)$/s;

/**
 * Resolves `file:/run/secrets/x` in the fields that a component marks as secret (`.meta({ secret: true })`), in place, and returns the value of
 * every such field, to be masked.
 * @param readText reads a file named in the configuration; throws a DataflowError when it cannot.
 */
export function resolveSecrets(
  tree: ConfigTree,
  components: Components,
  readText: (path: string) => string,
  problems: DataflowError[],
): readonly string[] {
  const secrets: string[] = [];
  for (const { path, options, schema } of configured(tree, components)) {
    for (const [key, field] of Object.entries(shapeOf(schema))) {
      const value = options[key];
      if (!isSecret(field) || typeof value !== 'string') continue;
      const file = FILE_REFERENCE.exec(value)?.[1];
      const secret = file === undefined ? value : fromFile(tree, [...path, key], file, readText, problems);
      if (secret === undefined) continue;
      options[key] = secret;
      secrets.push(secret);
    }
  }
  return secrets;
}

function fromFile(
  tree: ConfigTree,
  path: Path,
  file: string,
  readText: (path: string) => string,
  problems: DataflowError[],
): string | undefined {
  try {
    const secret = readText(file).replace(/\r?\n$/, '');
    if (secret !== '') return secret;
    problems.push(
      problemAt(tree, path, `the secret file ${file} is empty`, {
        code: 'E_SECRET_UNSET',
        hint: 'Write the secret into it.',
      }),
    );
  } catch (error) {
    const message = error instanceof DataflowError ? error.message : `the secret file ${file} cannot be read`;
    problems.push(
      problemAt(tree, path, message, {
        code: 'E_SECRET_UNSET',
        hint: 'Check that the file exists and can be read.',
        cause: error,
      }),
    );
  }
  return undefined;
}

interface Configured {
  readonly path: Path;
  readonly options: Record<string, unknown>;
  readonly schema: $ZodType;
}

/** Every place of the tree where a component's options are written. */
function configured(tree: ConfigTree, components: Components): readonly Configured[] {
  const found: Configured[] = [];
  const add = (
    path: Path,
    options: unknown,
    known: ReadonlyMap<string, { readonly schema: $ZodType }>,
    fallback?: string,
  ): void => {
    if (!isContainer(options) || Array.isArray(options)) return;
    const map = options as Record<string, unknown>;
    const type = map['type'] ?? fallback;
    const component = typeof type === 'string' ? known.get(type) : undefined;
    if (component !== undefined) found.push({ path, options: map, schema: component.schema });
  };
  add(['engine'], tree.root['engine'], components.engines, 'duckdb');
  const sources = tree.root['sources'];
  if (isContainer(sources))
    for (const [name, source] of Object.entries(sources)) add(['sources', name], source, components.sources);
  return found;
}

import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Assembly } from '../../core/config/assemble.ts';
import { checkShape } from '../../core/config/check-shape.ts';
import type { Components } from '../../core/config/components.ts';
import { type Environment, interpolate } from '../../core/config/interpolate.ts';
import { CONFIG_LIMITS } from '../../core/config/limits.ts';
import { namedChecks } from '../../core/config/named-checks.ts';
import { type ProjectShape, projectSchema } from '../../core/config/schema.ts';
import { resolveSecrets } from '../../core/config/secrets.ts';
import {
  type ConfigTree,
  isContainer,
  type Path,
  pathText,
  placeOf,
  problemAt,
  valueAt,
} from '../../core/config/tree.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { GoldSpec, LakeSpec, Project } from '../../core/model/project.ts';
import { redactor } from '../../kit/redact.ts';
import { findConfig, projectRoot } from './find-config.ts';
import { includedFiles } from './included-files.ts';
import type { LoadedProject, LoadOptions, ProjectInputs } from './loaded-project.ts';
import { readTextFile } from './read-text.ts';
import { addText, createTextHash } from './text-hash.ts';

/** What reading gave, right or wrong: `project` is there when `problems` is empty. */
export interface ReadProject extends Omit<LoadedProject, 'project'> {
  readonly project: Project | undefined;
  readonly problems: readonly DataflowError[];
  /** Everything beside the files that the result depends on. */
  readonly depends_on: ProjectInputs;
  /** The configuration as written, files united and variables replaced. */
  readonly written: Readonly<Record<string, unknown>>;
}

/**
 * Finds, reads and checks the configuration with everything it includes. Problems, all of them, are part of the result with secrets masked;
 * nothing is thrown for a wrong configuration.
 */
export async function readProject(given: LoadOptions): Promise<ReadProject> {
  const reading = new Reading();
  const components = typeof given.components === 'function' ? await given.components() : given.components;
  const options = { ...given, components, env: reading.recording(given.env) };
  let tree: ConfigTree = { root: {}, marks: new WeakMap(), file: '' };
  let project: Project | undefined;
  try {
    const config_file = await findConfig(options.cwd, options.config);
    const assembly = await readFiles(config_file, options.env, reading);
    tree = assembly.tree();
    reading.problems.push(...assembly.problems);
    project = checkedProject(tree, config_file, options, reading);
    reading.warnings.push(...assembly.warnings);
  } catch (error) {
    if (!(error instanceof DataflowError)) throw error;
    reading.problems.push(error);
  }
  const problems = reading.shownProblems();
  return {
    project: problems.length === 0 ? project : undefined,
    problems,
    files: reading.files,
    source_text_hash: reading.hash.digest('hex'),
    depends_on: { env: reading.env, includes: reading.includes },
    written: tree.root,
    secrets: [...reading.secrets],
    warnings: reading.warnings,
    place: (path) => (valueAt(tree, path) === undefined ? undefined : placeOf(tree, path)),
  };
}

/** Options with the components at hand. */
interface Resolved {
  readonly env: Environment;
  readonly components: Components;
}

/** What one reading gathers on its way. */
class Reading {
  readonly problems: DataflowError[] = [];
  readonly warnings: string[] = [];
  readonly files: string[] = [];
  readonly secrets = new Set<string>();
  readonly hash = createTextHash();
  readonly env: Record<string, string | null> = {};
  readonly includes: { readonly pattern: string; readonly files: readonly string[] }[] = [];

  /** The environment, noting which variables are asked for. */
  recording(env: Environment): Environment {
    return new Proxy(env, {
      get: (target, name) => {
        if (typeof name !== 'string') return undefined;
        this.env[name] = target[name] ?? null;
        return target[name];
      },
    });
  }

  /** Reads a file of the project; its text becomes part of the hash. */
  read(path: string, root: string, size_bytes_max: number): string {
    const text = readTextFile(path, size_bytes_max);
    this.files.push(path);
    addText(this.hash, relative(root, path), text);
    return text;
  }

  /** In the order of the text, without secrets. */
  shownProblems(): readonly DataflowError[] {
    const redact = redactor(this.secrets);
    const order = (error: DataflowError): readonly [number, number, number] => {
      const file = this.files.indexOf(error.place?.file ?? '');
      return [file, error.place?.line ?? 0, error.place?.column ?? 0];
    };
    return this.problems
      .map((error) => masked(error, redact))
      .sort((a, b) => {
        const [x, y] = [order(a), order(b)];
        return x[0] - y[0] || x[1] - y[1] || x[2] - y[2];
      });
  }
}

function masked(error: DataflowError, redact: (text: string) => string): DataflowError {
  const message = redact(error.message);
  const hint = redact(error.hint);
  if (message === error.message && hint === error.hint) return error;
  return new DataflowError(error.code, message, {
    hint,
    ...(error.place === undefined ? {} : { place: error.place }),
    ...(error.kept === undefined ? {} : { kept: error.kept }),
  });
}

async function readFiles(config_file: string, env: Environment, reading: Reading): Promise<Assembly> {
  const assembly = new Assembly();
  const root = projectRoot(config_file);
  assembly.add(config_file, reading.read(config_file, root, CONFIG_LIMITS.file_bytes_max));
  const tree = assembly.tree();
  const included = tree.root['include'];
  if (!Array.isArray(included)) return assembly;
  const patterns = structuredClone(included);
  for (const [i, pattern] of patterns.entries()) {
    if (typeof pattern !== 'string') continue;
    // The variables of `include` are needed now; those of all other sections are replaced once the files are together.
    const own: ConfigTree = { root: { pattern }, marks: new WeakMap(), file: config_file };
    interpolate(own, env, []);
    await includeFiles(String(own.root['pattern']), ['include', i], { tree, config_file, root, assembly, reading });
  }
  return assembly;
}

interface Including {
  readonly tree: ConfigTree;
  readonly config_file: string;
  readonly root: string;
  readonly assembly: Assembly;
  readonly reading: Reading;
}

async function includeFiles(pattern: string, path: readonly (string | number)[], to: Including): Promise<void> {
  const { tree, reading } = to;
  const paths = await includedFiles(pattern, dirname(to.config_file));
  reading.includes.push({ pattern, files: paths });
  const fresh = paths.filter((file) => !reading.files.includes(file));
  if (paths.length === 0) reading.warnings.push(`include: ${pattern} matches no file`);
  for (const file of fresh) {
    if (reading.files.length >= CONFIG_LIMITS.files_max)
      throw problemAt(tree, path, `more than ${CONFIG_LIMITS.files_max} files`, { code: 'E_CONFIG_LIMIT' });
    try {
      to.assembly.add(file, reading.read(file, to.root, CONFIG_LIMITS.file_bytes_max));
    } catch (error) {
      if (!(error instanceof DataflowError)) throw error;
      reading.problems.push(problemAt(tree, path, error.message, { code: error.code }));
    }
  }
}

function checkedProject(
  tree: ConfigTree,
  config_file: string,
  options: Resolved,
  reading: Reading,
): Project | undefined {
  const root = projectRoot(config_file);
  const writtenOut = (path: Path): void => {
    const { file, line, column } = placeOf(tree, path);
    const where = `${relative(root, file)}:${line}:${column}`;
    reading.warnings.push(
      `${where}: a secret is written out in ${pathText(path)}; take it from the environment (\${NAME}) or from a file (file:/run/secrets/name)`,
    );
  };
  for (const secret of interpolate(tree, options.env, reading.problems, writtenOut)) reading.secrets.add(secret);
  const readSecret = (path: string): string => readTextFile(resolve(root, path), CONFIG_LIMITS.file_bytes_max);
  for (const secret of resolveSecrets(tree, options.components, readSecret, reading.problems, writtenOut))
    reading.secrets.add(secret);
  const { shape, problems } = checkShape(tree, projectSchema(options.components));
  // A text whose variable is unset was reported already; what the schema says of the leftover would only confuse.
  const unset = new Set(
    reading.problems.filter((error) => error.code === 'E_SECRET_UNSET').map((error) => JSON.stringify(error.place)),
  );
  reading.problems.push(...problems.filter((error) => !unset.has(JSON.stringify(error.place))));
  if (shape === undefined) return undefined;
  reading.problems.push(...namedChecks(tree, shape, options.components));
  return {
    name: shape.name ?? root.split(/[\\/]/).filter(Boolean).at(-1) ?? 'dataflow',
    root,
    config_file,
    lake: lakeOf(shape, root),
    engine: shape.engine,
    ...(shape.price === undefined ? {} : { price: shape.price }),
    ...(shape.budget === undefined ? {} : { budget: shape.budget }),
    connections: shape.connections,
    sources: shape.sources,
    silver: shape.silver,
    gold: goldOf(tree, shape, root, reading),
    ...(Object.keys(shape.streams).length === 0 ? {} : { streams: shape.streams }),
    ...(Object.keys(shape.loads).length === 0 ? {} : { loads: shape.loads }),
    ...(Object.keys(shape.mirrors).length === 0 ? {} : { mirrors: shape.mirrors }),
    ...(shape.serve === undefined ? {} : { serve: shape.serve }),
    ...(shape.dashboard === undefined ? {} : { dashboard: shape.dashboard }),
    ...monitorOf(shape, root),
  };
}

function monitorOf(
  { metrics, openlineage, alerts }: ProjectShape,
  root: string,
): Pick<Project, 'metrics' | 'openlineage' | 'alerts'> {
  return {
    ...(metrics === undefined ? {} : { metrics: withFile(metrics, root) }),
    ...(openlineage === undefined ? {} : { openlineage: withFile(openlineage, root) }),
    ...(alerts.length === 0 ? {} : { alerts }),
  };
}

function withFile<T extends { readonly file?: string | undefined }>(section: T, root: string): T {
  return section.file === undefined ? section : { ...section, file: resolve(root, section.file) };
}

function lakeOf(shape: ProjectShape, root: string): LakeSpec {
  const { url } = shape.lake;
  if (url.startsWith('file://')) return { ...shape.lake, url: fileURLToPath(url) };
  return url.includes('://') ? shape.lake : { ...shape.lake, url: resolve(root, url) };
}

/** Where the query of a model stands: alone, under `sql`, or under one of its dialects. */
function pathOfQuery(tree: ConfigTree, name: string): readonly string[] {
  const deeper = (path: readonly string[], key: string): readonly string[] =>
    isContainer(valueAt(tree, path)) ? [...path, key] : path;
  const path = deeper(['gold', name], 'sql');
  return path.length === 2 ? path : deeper(path, 'duckdb');
}

/** A model that is the path of a `.sql` file rather than a query. */
const SQL_FILE = /^(?!\s*(select|with|from|values|\()\s)[^\n]+\.sql\s*$/i;

function goldOf(tree: ConfigTree, shape: ProjectShape, root: string, reading: Reading): Record<string, GoldSpec> {
  const tables: Record<string, GoldSpec> = {};
  for (const [name, spec] of Object.entries(shape.gold)) {
    const path = pathOfQuery(tree, name);
    const query = textOf(spec.sql, path);
    const own = spec.spark_sql === undefined ? undefined : textOf(spec.spark_sql, ['gold', name, 'sql', 'spark']);
    tables[name] = {
      ...spec,
      sql: query.text,
      sql_file: query.file,
      ...(own === undefined ? {} : { spark_sql: own.text }),
    };
  }
  return tables;

  /** The query that stands there, or in the file that is named there. */
  function textOf(text: string, path: readonly string[]): { readonly text: string; readonly file: string } {
    const { file } = placeOf(tree, path);
    return SQL_FILE.test(text) ? fromSqlFile(text, join(dirname(file), text.trim()), path) : { text, file };
  }

  function fromSqlFile(
    given: string,
    file: string,
    path: readonly string[],
  ): { readonly text: string; readonly file: string } {
    try {
      const text = reading.read(resolve(file), root, CONFIG_LIMITS.sql_file_bytes_max);
      if (text.trim() === '') throw new DataflowError('E_CONFIG_INVALID', `${file} is empty`);
      return { text, file };
    } catch (error) {
      if (!(error instanceof DataflowError)) throw error;
      reading.problems.push(
        problemAt(tree, path, error.message, {
          code: error.code,
          hint: 'A text that ends with .sql is the path of a file, relative to the file it is written in.',
        }),
      );
      return { text: given, file };
    }
  }
}

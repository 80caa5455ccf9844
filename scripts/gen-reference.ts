import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Components, EngineChoice } from '../src/core/config/components.ts';
import type { ConnectionComponent } from '../src/core/ports/connection.ts';
import type { LookupComponent } from '../src/core/ports/lookup.ts';
import type { CheckComponent } from '../src/core/ports/rule.ts';
import type { SourceComponent } from '../src/core/ports/source-component.ts';
import { editorSchema } from './reference/editor-schema.ts';
import { EVENTS_PAGES, eventsPage, eventsSchema } from './reference/events-page.ts';
import { metricsPage } from './reference/metrics-page.ts';
import { checksPage, errorsPage, GENERATED, kindsPage, lookupsPage, pipelinesPage } from './reference/pages.ts';
import { sparkPage } from './reference/spark-page.ts';

/**
 * Writes docs/reference/ from the schemas and the error catalogue: the editor's JSON Schema, every key of pipelines.yaml, every check,
 * every error. With --check it only says which pages are out of date.
 */
const FOLDER = join('docs', 'reference');

type Loaded = { readonly component: unknown };

/** The bundler resolves these imports to all files of that shape; which of them are components is decided by the folder. */
const LOAD: Readonly<
  Record<'sources' | 'connections' | 'lookups' | 'engines' | 'checks', (name: string) => Promise<Loaded>>
> = {
  sources: (name) => import(`../src/connectors/${name}/source.ts`),
  connections: (name) => import(`../src/connectors/${name}/connection.ts`),
  lookups: (name) => import(`../src/connectors/${name}/lookup.ts`),
  engines: (name) => import(`../src/engines/${name}/engine.ts`),
  checks: (name) => import(`../src/rules/${name}.ts`),
};

/** Components of one kind in a folder of src/, sorted by name; `file` is inside the component's own folder. */
async function loaded<T>(
  kind: keyof typeof LOAD,
  folder: string,
  file: string | undefined,
  nameOf: (component: T) => string,
): Promise<ReadonlyMap<string, T>> {
  const base = join('src', folder);
  const entries = existsSync(base) ? readdirSync(base).sort() : [];
  const names = entries.flatMap((entry) => {
    if (file !== undefined) return existsSync(join(base, entry, file)) ? [entry] : [];
    return /^\w+\.ts$/.test(entry) ? [entry.slice(0, -'.ts'.length)] : [];
  });
  const components = await Promise.all(names.map(async (name) => (await LOAD[kind](name)).component as T));
  return new Map(components.map((component) => [nameOf(component), component]));
}

const components: Components = {
  sources: await loaded<SourceComponent>('sources', 'connectors', 'source.ts', (one) => one.type),
  connections: await loaded<ConnectionComponent>('connections', 'connectors', 'connection.ts', (one) => one.type),
  lookups: await loaded<LookupComponent>('lookups', 'connectors', 'lookup.ts', (one) => one.type),
  checks: await loaded<CheckComponent>('checks', 'rules', undefined, (one) => one.name),
  engines: await loaded<EngineChoice>('engines', 'engines', 'engine.ts', (one) => one.type),
};

const schema = editorSchema(components);
const pages: Readonly<Record<string, string>> = {
  'pipelines.schema.json': `${JSON.stringify(schema, null, 2)}\n`,
  'pipelines.md': pipelinesPage(schema),
  'sources.md': kindsPage('source', schema),
  'connections.md': kindsPage('connection', schema),
  'lookups.md': lookupsPage(schema),
  'checks.md': checksPage([...components.checks.values()]),
  'errors.md': errorsPage(),
  ...Object.fromEntries(
    EVENTS_PAGES.flatMap((page) => [
      [`${page.name}.md`, eventsPage(page, GENERATED)],
      [`${page.name}.schema.json`, `${JSON.stringify(eventsSchema(page), null, 2)}\n`],
    ]),
  ),
  'metrics.md': metricsPage(GENERATED),
  'spark-sql.md': sparkPage(),
};

const stale = Object.entries(pages).filter(([name, text]) => {
  const path = join(FOLDER, name);
  return !existsSync(path) || readFileSync(path, 'utf8') !== text;
});
if (process.argv.includes('--check')) {
  for (const [name] of stale) console.error(`${join(FOLDER, name)} is out of date. Fix: npm run gen`);
  if (stale.length > 0) process.exit(1);
} else {
  mkdirSync(FOLDER, { recursive: true });
  for (const [name, text] of stale) {
    writeFileSync(join(FOLDER, name), text);
    console.log(`wrote ${join(FOLDER, name)}`);
  }
}

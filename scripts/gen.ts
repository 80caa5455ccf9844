import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/**
 * Writes src/registry.ts from the folders: one command for each src/cli/commands/<verb>.ts, one source for each
 * src/connectors/<system>/source.ts, and so on. With --check it only says whether the file is up to date.
 */
const REGISTRY = 'src/registry.ts';

interface Kind {
  readonly constant: string;
  readonly doc: string;
  /** Folder below src/. */
  readonly folder: string;
  /** File inside the component's own folder; absent: every file of `folder` is a component. */
  readonly file?: string;
  /** What the file exports. */
  readonly symbol: string;
  /** Its type. */
  readonly type: string;
}

const KINDS: readonly Kind[] = [
  {
    constant: 'SOURCES',
    doc: 'Kinds of sources, by `type`.',
    folder: 'connectors',
    file: 'source.ts',
    symbol: 'component',
    type: 'SourceComponent',
  },
  {
    constant: 'CONNECTIONS',
    doc: 'Kinds of connections, by `type`.',
    folder: 'connectors',
    file: 'connection.ts',
    symbol: 'component',
    type: 'ConnectionComponent',
  },
  {
    constant: 'PLACES',
    doc: 'Places for files, by type of connection.',
    folder: 'connectors',
    file: 'place.ts',
    symbol: 'component',
    type: 'PlaceComponent',
  },
  {
    constant: 'PUBLISHERS',
    doc: 'Systems that streams are published to, by type of connection.',
    folder: 'connectors',
    file: 'publisher.ts',
    symbol: 'component',
    type: 'PublisherComponent',
  },
  {
    constant: 'STORAGES',
    doc: 'Systems that hold files for us, by type of connection.',
    folder: 'connectors',
    file: 'storage.ts',
    symbol: 'component',
    type: 'FarStorageComponent',
  },
  {
    constant: 'SINKS',
    doc: 'Systems that releases are loaded into, by type of connection.',
    folder: 'connectors',
    file: 'sink.ts',
    symbol: 'component',
    type: 'SinkComponent',
  },
  {
    constant: 'STORES',
    doc: 'Destinations of loads that `serve` may answer from, by type of connection.',
    folder: 'connectors',
    file: 'store.ts',
    symbol: 'component',
    type: 'StoreComponent',
  },
  {
    constant: 'LOOKUPS',
    doc: 'Kinds of lookups, by the name that `enrich:` uses.',
    folder: 'connectors',
    file: 'lookup.ts',
    symbol: 'component',
    type: 'LookupComponent',
  },
  {
    constant: 'ENGINES',
    doc: 'Engines, by `type`: name, options and the way to open one.',
    folder: 'engines',
    file: 'engine.ts',
    symbol: 'component',
    type: 'EngineComponent',
  },
  {
    constant: 'CHECKS',
    doc: 'Rules and tests, by the name that pipelines.yaml uses.',
    folder: 'rules',
    symbol: 'component',
    type: 'CheckComponent',
  },
];

/** Name and import path of each component of a kind, sorted. */
function membersOf(kind: Kind): readonly { readonly name: string; readonly path: string }[] {
  const base = join('src', kind.folder);
  if (!existsSync(base)) return [];
  const { file } = kind;
  const entries = readdirSync(base, { withFileTypes: true });
  const members =
    file === undefined
      ? entries
          .filter((one) => one.isFile() && /^\w+\.ts$/.test(one.name))
          .map((one) => ({ name: one.name.slice(0, -3), path: `./${kind.folder}/${one.name}` }))
      : entries
          .filter((one) => one.isDirectory() && existsSync(join(base, one.name, file)))
          .map((one) => ({ name: one.name, path: `./${kind.folder}/${one.name}/${file}` }));
  return members.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function lazyMap(kind: Kind): string {
  const lines = membersOf(kind).map(
    ({ name, path }) => `  ${name}: async () => (await import('${path}')).${kind.symbol},`,
  );
  const body = lines.length === 0 ? '{}' : `{\n${lines.join('\n')}\n}`;
  return `/** ${kind.doc} */\nexport const ${kind.constant}: Lazy<${kind.type}> = ${body};\n`;
}

/** The plain literals of `export const spec: CommandSpec = { … }`, read without running the file. */
function specLiterals(file: string): Readonly<Record<string, string>> {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
  const found: Record<string, string> = {};
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    for (const declaration of statement.declarationList.declarations) {
      if (declaration.name.getText(source) !== 'spec' || declaration.initializer === undefined) continue;
      if (!ts.isObjectLiteralExpression(declaration.initializer)) continue;
      for (const property of declaration.initializer.properties) {
        if (ts.isPropertyAssignment(property) && ts.isStringLiteralLike(property.initializer)) {
          found[property.name.getText(source)] = property.initializer.text;
        }
      }
    }
  }
  return found;
}

function commandEntries(): string {
  const folder = 'src/cli/commands';
  const files = readdirSync(folder).filter((one) => /^[a-z]+\.ts$/.test(one));
  const lines = files.sort().map((file) => {
    const { name, summary, group } = specLiterals(join(folder, file));
    if (name === undefined || summary === undefined || group === undefined || `${name}.ts` !== file) {
      console.error(
        `${join(folder, file)}: must export \`spec\` with name (as the file), summary and group as plain texts`,
      );
      process.exit(1);
    }
    return `  {\n    name: '${name}',\n    summary: ${quoted(summary)},\n    group: '${group}',\n    load: async () => (await import('./cli/commands/${file}')).spec,\n  },`;
  });
  return `/** Verbs: what the list of commands shows, and the way to the rest. */\nexport const COMMANDS: readonly CommandEntry[] = [\n${lines.join('\n')}\n];\n`;
}

function quoted(text: string): string {
  return text.includes("'") ? JSON.stringify(text) : `'${text}'`;
}

const head = `// Generated by \`npm run gen\` from the folders. Do not edit: add a file and run it again.
import type { CommandEntry } from './cli/command-spec.ts';
import type { ConnectionComponent } from './core/ports/connection.ts';
import type { EngineComponent } from './core/ports/engine-component.ts';
import type { FarStorageComponent } from './core/ports/far-storage.ts';
import type { PlaceComponent } from './core/ports/file-place.ts';
import type { LookupComponent } from './core/ports/lookup.ts';
import type { PublisherComponent } from './core/ports/publisher.ts';
import type { CheckComponent } from './core/ports/rule.ts';
import type { SinkComponent } from './core/ports/sink.ts';
import type { SourceComponent } from './core/ports/source-component.ts';
import type { StoreComponent } from './core/ports/store.ts';

/** Components by name, each loaded when it is asked for. */
export type Lazy<T> = Readonly<Record<string, () => Promise<T>>>;
`;
const text = [head, commandEntries(), ...KINDS.map(lazyMap)].join('\n');
const current = existsSync(REGISTRY) ? readFileSync(REGISTRY, 'utf8') : '';
if (process.argv.includes('--check')) {
  if (current !== text) {
    console.error(`${REGISTRY} does not match the folders. Fix: npm run gen`);
    process.exit(1);
  }
} else if (current !== text) {
  writeFileSync(REGISTRY, text);
  console.log(`wrote ${REGISTRY}`);
}

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { editorSchema, type JsonSchema, toJson } from '../scripts/reference/editor-schema.ts';
import { checksPage, errorsPage, pipelinesPage } from '../scripts/reference/pages.ts';
import { projectSchema } from '../src/core/config/schema.ts';
import { CATALOGUE } from '../src/core/errors/catalogue.ts';
import { testComponents } from './support/components.ts';

const schema = editorSchema(testComponents);

/** Every schema inside a schema. */
function* within(value: unknown): Generator<JsonSchema> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as JsonSchema;
  for (const inner of Object.values(value)) yield* within(inner);
}

describe('the editor schema', () => {
  it('refuses unknown keys and points only at what it defines', () => {
    expect(schema.additionalProperties).toBe(false);
    for (const one of within(schema)) {
      if (one.$ref !== undefined) expect(Object.keys(schema.definitions ?? {})).toContain(one.$ref.split('/').at(-1));
    }
  });

  it('offers each check where it can be used', () => {
    const offered = (kind: string): string[] =>
      (schema.definitions?.[kind]?.anyOf ?? []).flatMap((one) => one.required ?? []).sort();
    const checks = [...testComponents.checks.values()];
    expect(offered('rule')).toEqual(
      checks
        .filter((one) => one.row)
        .map((one) => one.name)
        .sort(),
    );
    expect(offered('test')).toEqual(
      checks
        .filter((one) => one.table)
        .map((one) => one.name)
        .sort(),
    );
  });

  it('holds nothing of our own vocabulary that editors do not know', () => {
    const own = [...within(schema)].flatMap((one) =>
      ['dispatch', 'samples', 'secret'].filter((key) => typeof one[key] === 'string' || one[key] === true),
    );
    expect(own).toEqual([]);
    expect(JSON.stringify(toJson(projectSchema(testComponents)))).not.toContain('"dispatch"');
  });

  it('marks secrets as such', () => {
    expect(schema.definitions?.['source']?.properties?.['password']).toMatchObject({ writeOnly: true });
  });
});

describe('the reference pages', () => {
  it('name every top-level key, every check and every error', () => {
    const pipelines = pipelinesPage(schema);
    for (const key of Object.keys(schema.properties ?? {})) expect(pipelines).toMatch(new RegExp(`\`${key}\``));
    const checks = checksPage([...testComponents.checks.values()]);
    for (const name of testComponents.checks.keys()) expect(checks).toContain(`## \`${name}\``);
    for (const code of Object.keys(CATALOGUE)) expect(errorsPage()).toContain(`\`${code}\``);
  });

  it('say what every option means', () => {
    const empty = readFileSync('docs/reference/pipelines.md', 'utf8')
      .split('\n')
      .filter((line) => /^\| `[^`]+` \|/.test(line) && line.split(' | ')[3]?.trim() === '');
    expect(empty).toEqual([]);
  });
});

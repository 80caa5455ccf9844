import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { safeParse } from 'zod/v4/core';
import type { CheckComponent } from '../core/ports/rule.ts';

const folder = dirname(fileURLToPath(import.meta.url));
const names = readdirSync(folder).flatMap((file) => /^(\w+)\.ts$/.exec(file)?.[1] ?? []);

describe('every component', () => {
  it.each(names)('%s: named as its file, with an example that its own schema accepts', async (name) => {
    const { component } = (await import(join(folder, `${name}.ts`))) as { component: CheckComponent };
    expect(component.name).toBe(name);
    expect(component.row ?? component.table).toBeDefined();
    const example = parse(component.example) as Record<string, unknown>;
    expect(Object.keys(example)).toContain(name);
    const result = safeParse(component.schema, example[name]);
    expect(result.success).toBe(true);
    expect(component.instanceName(result.data)).toMatch(/^[A-Za-z][A-Za-z0-9_]{0,62}$/);
    expect(result.data).toEqual(JSON.parse(JSON.stringify(result.data)));
  });
});

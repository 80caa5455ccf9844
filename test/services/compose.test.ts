import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cached } from '../../scripts/services/cache.ts';
import { runCommand } from '../../scripts/services/command.ts';
import { goProgram } from '../../scripts/services/registries.ts';
import { Unavailable } from '../../scripts/services/server.ts';

const VERSION = 'v2.16.2';

/** The library behind `docker compose`, which reads a file as it does: schema, references, ports, dependencies. */
async function checker(): Promise<string | Unavailable> {
  const make = (folder: string): Promise<void> =>
    goProgram(folder, 'github.com/compose-spec/compose-go/v2/cmd', VERSION);
  try {
    return join(await cached(`compose-go-${VERSION}`, make), 'cmd');
  } catch (error) {
    if (error instanceof Unavailable) return error;
    throw error;
  }
}

it('compose.yaml is read by the library of docker compose, and a slip in it is refused', {
  timeout: 900_000,
}, async (context) => {
  const program = await checker();
  if (program instanceof Unavailable) return context.skip(program.message);
  const model = await runCommand(program, ['compose.yaml']);
  expect(model).toContain('published: "29092"');
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-compose-'));
  try {
    const slipped = join(folder, 'compose.yaml');
    for (const [right, wrong] of [
      ['healthcheck:', 'healtcheck:'],
      ['127.0.0.1:29092:29092', '127.0.0.1:29092:no'],
    ] as const) {
      writeFileSync(slipped, readFileSync('compose.yaml', 'utf8').replace(right, wrong));
      await expect(runCommand(program, [slipped])).rejects.toThrow(/failed to load|invalid/);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

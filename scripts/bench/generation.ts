import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type BenchSettings, type Figure, ratioFigure } from './figure.ts';
import { median, timed } from './measure.ts';

const BINARY = resolve('bin/dataflow.js');
const ROWS = 200_000;

/** What most people write first: a faker loop that streams the CSV rows of both files. */
const LOOP = `
import { faker } from '@faker-js/faker';
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
faker.seed(1);
const out = createWriteStream(process.argv[2]);
out.write('id_achat,id_client,date_achat,montant,produit\\n');
for (let i = 1; i <= ${ROWS}; i++) {
  const row = [i, faker.number.int({ min: 1, max: ${ROWS / 5} }), faker.date.between({ from: '2023-01-01', to: '2025-12-31' }).toISOString().slice(0, 10),
    faker.number.float({ min: 10, max: 2000, fractionDigits: 2 }), faker.helpers.arrayElement(['Ordinateur', 'Tablette', 'Souris', 'Clavier', 'Ecran'])];
  if (!out.write(row.join(',') + '\\n')) await once(out, 'drain');
}
out.end();
await once(out, 'close');
const clients = createWriteStream(process.argv[3]);
clients.write('id_client,nom,email,date_inscription,pays\\n');
for (let i = 1; i <= ${ROWS / 5}; i++) {
  const row = [i, faker.person.fullName(), faker.internet.email(), faker.date.between({ from: '2020-01-01', to: '2022-12-31' }).toISOString().slice(0, 10), faker.location.country()];
  if (!clients.write(row.join(',') + '\\n')) await once(clients, 'drain');
}
clients.end();
`;

/** \`generate\` beside a faker loop, in rows per second. */
export async function generation(settings: BenchSettings): Promise<readonly Figure[]> {
  const cwd = settings.folder;
  const loop = resolve('.cache/bench-faker-loop.mjs');
  mkdirSync(resolve('.cache'), { recursive: true });
  writeFileSync(loop, LOOP);
  const ours: number[] = [];
  const beside: number[] = [];
  for (let i = 0; i < Math.min(settings.runs, 3); i++) {
    beside.push(
      (await timed(process.execPath, [loop, join(cwd, 'loop.csv'), join(cwd, 'loop-clients.csv')], { cwd })).wall_ms /
        ROWS,
    );
    const args = [
      BINARY,
      '--config',
      resolve('pipelines.yaml'),
      'generate',
      '--rows',
      String(ROWS * 10),
      '--seed',
      '1',
      '--out',
      join(cwd, `g${i}`),
    ];
    ours.push((await timed(process.execPath, args, { cwd })).wall_ms / (ROWS * 10));
  }
  const figure = ratioFigure(
    'generate',
    median(ours) * 1e6,
    median(beside) * 1e6,
    0.1,
    `wall time per million rows, ${(ROWS * 10).toLocaleString('en')} rows by us, ${ROWS.toLocaleString('en')} by the loop`,
  );
  return [figure];
}

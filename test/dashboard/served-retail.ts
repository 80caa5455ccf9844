import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expectDone, newPlace, type Place } from '../support/fault-project.ts';

export const TOKEN = 'analysts-0123456789-0123456789-0123456789';
const HASH = createHash('sha256').update(TOKEN).digest('hex');

/** The retail project with its lake, and the built program that serves it to holders of a token. */
export interface ServedRetail {
  readonly place: Place;
  readonly url: string;
  /** A purchase of one client, published by a run. */
  publish(purchase: { readonly id: number; readonly day: string; readonly amount: string }): void;
  stop(): Promise<void>;
  /** At the same address as before. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export async function serveRetail(): Promise<ServedRetail> {
  const place = newPlace('', { name: 'retail' });
  const config = readFileSync('pipelines.yaml', 'utf8');
  const tokens = `serve:\n  tokens: { analysts: { hash: "sha256:${HASH}", tables: ["*"] } }\n`;
  place.put({ 'pipelines.yaml': config.replace(/^serve:\n/m, tokens) });
  cpSync('models', join(place.folder, 'models'), { recursive: true });
  expectDone(place.dataflow(['generate']));
  aged(place);
  expectDone(place.dataflow(['run']));

  let port = 0;
  let running: ReturnType<Place['start']> | undefined;
  const start = async (): Promise<void> => {
    const server = place.start(['serve', '--port', String(port)]);
    running = server;
    port = await new Promise<number>((found, failed) => {
      let text = '';
      const hear = (piece: Buffer): void => {
        text += piece.toString();
        const [, at] = /http:\/\/127\.0\.0\.1:(\d+)/.exec(text) ?? [];
        if (at !== undefined) found(Number(at));
      };
      server.child.stdout?.on('data', hear);
      server.child.stderr?.on('data', hear);
      void server.ended.then(() => failed(new Error(`the server ended: ${text}`)));
    });
  };
  const stop = async (): Promise<void> => {
    running?.child.kill('SIGKILL');
    await running?.ended;
  };
  await start();
  return {
    place,
    url: `http://127.0.0.1:${port}`,
    publish: ({ id, day, amount }) => {
      place.put({
        [`data/achats-${id}.csv`]: `id_achat,id_client,date_achat,montant,produit\n${id},1,${day},${amount},Souris\n`,
      });
      aged(place);
      expectDone(place.dataflow(['run']));
    },
    stop,
    start,
    close: async () => {
      await stop();
      place.remove();
    },
  };
}

/** Files that were written just now are waited for. */
function aged({ folder }: Place): void {
  const before = Date.now() / 1000 - 3600;
  for (const name of readdirSync(join(folder, 'data'))) utimesSync(join(folder, 'data', name), before, before);
}

import { EventEmitter } from 'node:events';
import fc from 'fast-check';
import type { Client } from 'pg';
import { expect, it } from 'vitest';
import { copyRows } from './copy-rows.ts';

/** A message of the protocol: its code, its length with the length itself, its bytes. */
function message(code: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(code, 'latin1');
  head.writeUInt32BE(4 + body.length, 1);
  return Buffer.concat([head, body]);
}

/** A server's answer in chunks of these sizes, in turn; what the driver gets to read is kept, and ends the query with it. */
function serverOf(bytes: Buffer, sizes: readonly number[], end_bytes: number) {
  const stream = Object.assign(new EventEmitter(), {
    pause: () => undefined,
    resume: () => undefined,
    destroy: () => undefined,
  });
  const driver: Buffer[] = [];
  const client = Object.assign(new EventEmitter(), {
    query: (copy: { submit(connection: unknown): void; handleReadyForQuery(): void }) => {
      stream.on('data', (chunk: Buffer) => {
        driver.push(Buffer.from(chunk));
        if (Buffer.concat(driver).length === end_bytes) copy.handleReadyForQuery();
      });
      copy.submit({ stream, query: () => undefined });
      let [from, turn] = [0, 0];
      while (from < bytes.length) {
        const to = from + (sizes[turn++ % sizes.length] ?? 1);
        stream.emit('data', Buffer.from(bytes.subarray(from, to)));
        from = to;
      }
    },
  });
  return { client: client as unknown as Client, driver };
}

it('rows are whole and in order, wherever the socket cuts what the server sends', async () => {
  const row = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', 'é', '123456789'), maxLength: 60 });
  const sizes = fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 30 }), sizes, fc.boolean(), async (texts, cuts, notice) => {
      const end = Buffer.concat([message('C', Buffer.from('COPY\0')), message('Z', Buffer.from('I'))]);
      const { client, driver } = serverOf(
        Buffer.concat([
          message('H', Buffer.from([0, 0, 1, 0, 0])),
          ...texts.map((text) => message('d', Buffer.from(`${text}\n`))),
          ...(notice ? [message('N', Buffer.from('note\0'))] : []),
          message('c', Buffer.alloc(0)),
          end,
        ]),
        cuts,
        end.length,
      );
      const found: string[] = [];
      let multiline = false;
      for await (const { bytes, starts, multiline: one } of copyRows(client, 'copy')) {
        multiline ||= one;
        for (let at = 0; at + 1 < starts.length; at++) found.push(bytes.toString('utf8', starts[at], starts[at + 1]));
      }
      expect(found).toEqual(texts.map((text) => `${text}\n`));
      if (texts.some((text) => text.includes('\n'))) expect(multiline).toBe(true);
      expect(Buffer.concat(driver).equals(end)).toBe(true);
    }),
  );
});

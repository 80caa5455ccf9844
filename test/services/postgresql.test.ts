import { readFileSync } from 'node:fs';
import pg from 'pg';
import { expect, it } from 'vitest';
import { describeService, uniqueName } from './service.ts';

describeService('postgresql', ({ url }) => {
  it('keeps numbers and instants exactly', async () => {
    const table = uniqueName('orders');
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      await client.query(`CREATE TABLE ${table} (amount numeric, at timestamptz)`);
      await client.query(`INSERT INTO ${table} VALUES (12345678901234567890.123456789, '2026-01-01T00:00:00.123456Z')`);
      const { rows } = await client.query(
        `SELECT amount::text, at AT TIME ZONE 'UTC' = '2026-01-01 00:00:00.123456' AS same FROM ${table}`,
      );
      expect(rows).toEqual([{ amount: '12345678901234567890.123456789', same: true }]);
      await client.query(`DROP TABLE ${table}`);
    } finally {
      await client.end();
    }
  });
});

describeService(
  'postgresql',
  ({ url, settings }) => {
    it('speaks TLS to who trusts its certificate', async () => {
      const ca = readFileSync(settings['DATAFLOW_TEST_POSTGRESQL_CA'] ?? '', 'utf8');
      const client = new pg.Client({ connectionString: url, ssl: { ca } });
      await client.connect();
      try {
        const { rows } = await client.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
        expect(rows).toEqual([{ ssl: true }]);
      } finally {
        await client.end();
      }
      const other = new pg.Client({ connectionString: url, ssl: {} });
      await expect(other.connect()).rejects.toThrow(/self-signed/);
    });
  },
  ['DATAFLOW_TEST_POSTGRESQL_CA'],
);

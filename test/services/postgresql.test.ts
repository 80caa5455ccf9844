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

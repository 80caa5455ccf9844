import pg from 'pg';
import { expect, it } from 'vitest';
import { describeService, ownServer } from './service.ts';

describeService('postgresql', () => {
  it('can be killed by a test and taken up again with its data', async () => {
    const own = await ownServer('postgresql');
    try {
      const url = own.settings['DATAFLOW_TEST_POSTGRESQL'] ?? '';
      const ask = async (sql: string): Promise<unknown[]> => {
        const client = new pg.Client({ connectionString: url });
        client.on('error', () => {});
        await client.connect();
        return (await client.query(sql).finally(() => client.end())).rows;
      };
      await ask('CREATE TABLE kept AS SELECT 42 AS answer');
      await own.halt('SIGKILL');
      await expect(ask('SELECT 1')).rejects.toThrow(/ECONNREFUSED/);
      await own.resume();
      expect(await ask('SELECT * FROM kept')).toEqual([{ answer: 42 }]);
    } finally {
      await own.stop();
    }
  });
});

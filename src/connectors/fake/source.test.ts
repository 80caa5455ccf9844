import { sourceContract } from '../testing/source-contract.ts';

sourceContract('fake', async () => ({
  source: { type: 'fake', rows: 1300, faults: 0.02, unit_records: 250, batch: { records: 500, bytes: '400KB' } },
  key: 'id',
  records: () => 1300,
  large: {
    source: { type: 'fake', rows: 400_000, batch: { records: 200_000 } },
    memory_bytes_max: 900_000_000,
  },
  types: {
    sql: 'select id, amount, made_at, product from bronze.s order by id limit 1',
    expected: [{ id: 0, amount: '407133.33', made_at: '2026-01-01T00:00:00Z', product: 'kiwi' }],
  },
}));

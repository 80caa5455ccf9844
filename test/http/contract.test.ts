import { sourceContract } from '../../src/connectors/testing/source-contract.ts';
import { type Reply, type ScriptedHttp, type SeenRequest, scriptedHttp } from '../services/faults/http-server.ts';

/** What every source promises, for an API that is asked for changes page by page, and for one that is taken whole. */
const TOKEN = 'tok-3n-of-the-contract';
const PAGE = 50;

/** Records as text: numbers with all their digits. */
const record = (id: number): string =>
  `{"id":${id},"amount":12345678901234567890.123456,"big":9223372036854775807,"at":"2026-01-02T03:04:05.123456Z","text":"é\\u0000\\n\\"${id}","flag":true,"none":null}`;

function answer(server: { count: number }, { query, headers }: SeenRequest): Reply {
  if (headers.authorization !== `Bearer ${TOKEN}`) return { status: 401, body: 'no' };
  const since = Number(query.get('since') ?? 0);
  const from = Math.max(since, 1) + (Number(query.get('page')) - 1) * PAGE;
  const ids = Array.from({ length: Math.max(0, Math.min(PAGE, server.count - from + 1)) }, (_, i) => from + i);
  return { body: `{"data":[${ids.map(record).join(',')}]}`, headers: { 'content-type': 'application/json' } };
}

async function api(count: number): Promise<{ server: ScriptedHttp; state: { count: number } }> {
  const server = await scriptedHttp();
  const state = { count };
  server.script('GET /items', [(request) => answer(state, request)]);
  return { server, state };
}

const COLUMNS = {
  id: 'bigint',
  amount: 'decimal(38,6)',
  big: 'bigint',
  at: 'timestamptz',
  text: 'varchar',
  flag: 'boolean',
  none: 'varchar',
};

const TYPES = {
  sql: 'select amount::varchar as amount, big::varchar as big, epoch_us("at") as at_us, length(text) as chars, flag, none from bronze.s where id = 7',
  expected: [
    {
      amount: '12345678901234567890.123456',
      big: '9223372036854775807',
      at_us: 1767323045123456,
      chars: 5,
      flag: true,
      none: null,
    },
  ],
};

const common = (url: string) => ({
  type: 'http',
  url: `${url}/items`,
  auth: { type: 'bearer', token: '${CONTRACT_TOKEN}' },
  pages: { style: 'page', empty_max: 1 },
  records: '$.data',
  columns: COLUMNS,
  retry: { attempts: 2, base_ms: 1 },
});

sourceContract('http by cursor', async () => {
  const { server, state } = await api(330);
  return {
    source: { ...common(server.url), cursor: { param: 'since', field: 'id' }, batch: { records: 120 } },
    env: { CONTRACT_TOKEN: TOKEN },
    key: 'id',
    records: () => state.count,
    add: async (more) => {
      state.count += more;
    },
    types: TYPES,
    secrets: [TOKEN],
    broken: { source: common('http://127.0.0.1:9') },
    close: () => server.close(),
  };
});

// Asks one address by so many connections for so long: `node http-load.mjs URL CONNECTIONS SECONDS` prints requests and latencies as JSON.
import { Pool } from 'undici';

const [address = '', connections = '50', seconds = '5'] = process.argv.slice(2);
const { origin, pathname, search } = new URL(address);
const pool = new Pool(origin, { connections: Number(connections), pipelining: 1 });
const until = performance.now() + Number(seconds) * 1000;
const times = [];
const ask = async () => {
  while (performance.now() < until) {
    const began = performance.now();
    const { statusCode, body } = await pool.request({ method: 'GET', path: pathname + search });
    await body.dump();
    if (statusCode !== 200) throw new Error(`${address}: ${statusCode}`);
    times.push(performance.now() - began);
  }
};
await Promise.all(Array.from({ length: Number(connections) }, ask));
await pool.close();
times.sort((a, b) => a - b);
const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
console.log(JSON.stringify({ requests: times.length, p50_ms: at(0.5), p99_ms: at(0.99) }));

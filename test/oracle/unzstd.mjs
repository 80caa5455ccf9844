// Decompresses what comes in by the reference implementation of zstd in another version than that of the other readers (WebAssembly).
import { ZSTDDecoder } from 'zstddec/stream';

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const decoder = new ZSTDDecoder();
await decoder.init();
for (const out of decoder.decodeStreaming([Buffer.concat(chunks)])) process.stdout.write(Buffer.from(out));

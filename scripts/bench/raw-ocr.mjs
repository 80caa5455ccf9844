// Bare tesseract.js over the same pictures: as many workers as there are threads, each taking the next picture. Prints milliseconds and characters.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createWorker, OEM } from 'tesseract.js';

const [folder, languages, threads] = process.argv.slice(2);
const started = performance.now();
const names = readdirSync(folder).sort();
let characters = 0;
const work = async () => {
  const worker = await createWorker(['fra', 'eng'], OEM.LSTM_ONLY, {
    langPath: languages,
    gzip: true,
    cacheMethod: 'none',
  });
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    const { data } = await worker.recognize(join(folder, name), {}, { blocks: true, text: true });
    characters += data.text.length;
  }
  await worker.terminate();
};
await Promise.all(Array.from({ length: Number(threads) }, work));
console.log(JSON.stringify({ wall_ms: performance.now() - started, characters }));

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { blocksOf, isTranscript, openWorkshop, rewritten } from '../test/support/transcript.ts';

/** Writes what the commands of the guide's sessions print now. Usage: npm run transcripts [-- docs/guide/page.md …] */
const GUIDE = 'docs/guide';
const named = process.argv.slice(2);
const pages = named.length > 0 ? named : readdirSync(GUIDE).map((name) => join(GUIDE, name));
const workshop = openWorkshop();
try {
  for (const page of pages) {
    const text = readFileSync(page, 'utf8');
    if (!isTranscript(text)) continue;
    const project = workshop.project();
    writeFileSync(page, rewritten(text, project.run));
    console.log(`${page}: ${blocksOf(text).length} sessions`);
    project.remove();
  }
} finally {
  workshop.remove();
}

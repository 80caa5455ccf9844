import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { blocksOf, isTranscript, openWorkshop } from '../test/support/transcript.ts';

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
    const lines = text.split('\n');
    const blocks = blocksOf(text).map((block) => ({
      block,
      lines: block.commands.flatMap((command) => [
        ...`$ ${command.text}`.split('\n').map((line, at) => (at === 0 ? line : `> ${line}`)),
        ...project.run(command.text),
      ]),
    }));
    // From the last to the first, so that the positions stay right.
    for (const { block, lines: written } of blocks.toReversed())
      lines.splice(block.from, block.to - block.from, ...written);
    writeFileSync(page, lines.join('\n'));
    console.log(`${page}: ${blocks.length} sessions`);
    project.remove();
  }
} finally {
  workshop.remove();
}

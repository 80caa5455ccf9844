// Pictures of the dashboard for the guide and the README: the retail demo, served by the built program, in the system's Chromium.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { launch, openPage, settled } from '../test/dashboard/browser.ts';

const BINARY = resolve('bin/dataflow.js');
const FOLDER = resolve('docs/images');

const SHOTS = [
  { name: 'dashboard', address: '/d/vue-d-ensemble', reader: {}, height: 900 },
  { name: 'dashboard-clients-dark', address: '/d/clients?pays=France', reader: { theme: 'dark' }, height: 760 },
  { name: 'dashboard-phone', address: '/d/produits', reader: { width: 390 }, height: 760 },
] as const;

const folder = mkdtempSync(join(tmpdir(), 'dataflow-screenshots-'));
const project = join(folder, 'retail-demo');
spawnSync(process.execPath, [BINARY, 'demo'], { cwd: folder, stdio: 'ignore' });
const server = spawn(process.execPath, [BINARY, 'serve', '--port', '0'], { cwd: project });
try {
  const url = await new Promise<string>((found) => {
    let text = '';
    const hear = (piece: Buffer): void => {
      text += piece.toString();
      const [at] = /http:\/\/127\.0\.0\.1:\d+/.exec(text) ?? [];
      if (at !== undefined) found(at);
    };
    server.stdout.on('data', hear);
    server.stderr.on('data', hear);
  });
  mkdirSync(FOLDER, { recursive: true });
  const browser = await launch();
  for (const { name, address, reader, height } of SHOTS) {
    const { page } = await openPage(browser, url, { errors: [], strangers: [] }, reader);
    await page.setViewportSize({ width: 'width' in reader ? reader.width : 1280, height });
    await page.goto(address);
    await settled(page);
    await page.locator('canvas').first().waitFor();
    await page.screenshot({ path: join(FOLDER, `${name}.png`), animations: 'disabled' });
    console.log(`docs/images/${name}.png`);
  }
  await browser.close();
} finally {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectDone, newPlace, type Place } from '../support/fault-project.ts';

const CHROMIUM = [process.env['DATAFLOW_CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
  (path) => path !== undefined && existsSync(path),
);
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const hash = (token: string): string => createHash('sha256').update(token).digest('hex');
const CONFIG = `sources:
  achats: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, pays: varchar, montant: varchar } }
silver:
  achats:
    from: achats
    select: { montant: "try_cast(montant as decimal(12,2))" }
    rules: [{ not_null: montant, name: montant_valide }]
    key: id
    tests: [{ unique: id }, { row_count: { max: 5 } }]
gold:
  par_pays: { sql: "select pays, sum(montant) as total from silver.achats group by 1", key: pays }
serve:
  tables: [gold.*, quarantine.*]
  tokens: { chef: { hash: "sha256:${hash('chef')}", operator: true }, reader: { hash: "sha256:${hash('reader')}" } }
`;
/** Of a row: what is wider than its column has not been squeezed into it. */
const TALL_PX_MAX = 160;
const PAGES = [
  '',
  '/runs/last',
  '/tables',
  '/tables/silver/achats',
  '/tables/gold/par_pays',
  '/quarantine',
  '/ends',
  '/cost',
];

/** The built program serves the pages of the pipeline to a real browser, while real runs go on. */
describe.skipIf(CHROMIUM === undefined)('the pages of the pipeline in a browser', () => {
  let browser: Browser;
  let place: Place;
  let server: ReturnType<Place['start']>;
  let url = '';
  const wrong: string[] = [];

  beforeAll(async () => {
    place = newPlace(CONFIG, { name: 'browsed' });
    place.put({ 'in/a.csv': 'id,pays,montant\n1,France,10\n2,Suisse,x\n' });
    expectDone(place.dataflow(['run']));
    place.put({ 'in/b.csv': 'id,pays,montant\n3,Suisse,7\n' });
    expectDone(place.dataflow(['run']));
    place.put({ 'in/c.csv': `id,pays,montant\n${[6, 7, 8, 9].map((id) => `${id},Suisse,1`).join('\n')}\n` });
    expect(place.dataflow(['run']).status).not.toBe(0);
    server = place.start(['serve', '--port', '0']);
    url = await new Promise<string>((found) => {
      let text = '';
      const hear = (piece: Buffer): void => {
        text += piece.toString();
        const at = /serving \w+ at (http:\/\/127\.0\.0\.1:\d+)/.exec(text)?.[1];
        if (at !== undefined) found(at);
      };
      server.child.stderr?.on('data', hear);
      server.child.stdout?.on('data', hear);
    });
    browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox', '--disable-gpu'] });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    server?.child.kill('SIGKILL');
    place?.remove();
  });

  const open = async (
    path: string,
    token = 'reader',
    width = 1280,
    colorScheme: 'light' | 'dark' = 'light',
    locale: 'en-GB' | 'fr-FR' = 'en-GB',
  ): Promise<Page> => {
    const context = await browser.newContext({
      baseURL: url,
      colorScheme,
      locale,
      viewport: { width, height: 800 },
      reducedMotion: 'reduce',
    });
    await context.addInitScript(`sessionStorage.setItem('dataflow.token', '${token}')`);
    const page = await context.newPage();
    page.on('pageerror', (error) => wrong.push(error.message));
    await go(page, path);
    return page;
  };
  const go = async (page: Page, path: string): Promise<void> => {
    await page.goto(`/pipeline${path}`);
    await page.locator('.pipeline h1').waitFor();
    await expect.poll(() => page.locator('.skeleton').count(), { timeout: 20_000 }).toBe(0);
  };

  it.each([
    { width: 1280, scheme: 'light' as const },
    { width: 390, scheme: 'dark' as const },
  ])(
    'fit $width pixels in $scheme, and axe finds nothing serious',
    async ({ width, scheme }) => {
      const page = await open('', 'reader', width, scheme);
      for (const path of PAGES) {
        await go(page, path);
        const wide = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
        const found = await page.evaluate(
          `${AXE}; axe.run(document, { resultTypes: ['violations'], rules: { 'label-content-name-mismatch': { enabled: true } } }).then(({ violations }) => violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => id + ' ' + nodes[0].html))`,
        );
        const tallest = await page.evaluate<number>(
          'Math.max(0, ...[...document.querySelectorAll("td")].map((one) => one.offsetHeight))',
        );
        expect([path, wide, tallest < TALL_PX_MAX, found]).toEqual([path, 0, true, []]);
        expect(await page.getByRole('button', { name: /Retry|Replay/ }).count()).toBe(0);
      }
      await page.context().close();
      expect(wrong).toEqual([]);
    },
    120_000,
  );

  it('lead by keyboard from the graph to a table, and show what differs between two releases', async () => {
    const page = await open('/tables');
    await page.getByRole('link', { name: /par_pays/ }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'gold.par_pays', level: 1 }).waitFor();
    await page.getByRole('button', { name: 'Compare' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('1 added, 0 removed, 0 changed').waitFor();
    await page.goto('/pipeline/tables/silver/achats');
    await page.getByText('dataflow quarantine replay silver.achats', { exact: true }).waitFor();
    await page.getByText('Rows of this table are not given out').waitFor();
    await page.context().close();
  }, 60_000);

  it('speak French, and mark what the engine said as English', async () => {
    const page = await open('/runs/last', 'reader', 1280, 'light', 'fr-FR');
    await page.getByRole('heading', { name: 'Ce qui a échoué' }).waitFor();
    const said = await page.locator('.trouble [lang=en]').allTextContents();
    expect(said.length).toBeGreaterThan(0);
    expect(await page.locator('.timeline').innerText()).toContain('1 fichier nouveau ou modifié');
    await go(page, '/tables/silver/achats');
    await page.getByRole('region', { name: 'Règles et tests' }).getByText('échec', { exact: true }).first().waitFor();
    await page.locator('code').getByText('serve.tables', { exact: true }).first().waitFor();
    await page.context().close();
  }, 60_000);

  it('find a table in the graph and in the list', async () => {
    const page = await open('/tables');
    await page.getByRole('searchbox', { name: 'Find a table' }).fill('PAR');
    await expect.poll(() => page.locator('.node-off').count()).toBe(2);
    expect(new URL(page.url()).search).toBe('?find=PAR');
    await page.getByRole('button', { name: 'List' }).click();
    await expect.poll(() => page.locator('tbody tr').count()).toBe(1);
    expect(new URL(page.url()).search).toBe('?find=PAR&as=list');
    await page.getByRole('searchbox', { name: 'Find a table' }).fill('nothing');
    await page.getByText('No table is called so').waitFor();
    await page.context().close();
  }, 60_000);

  it('go on with a run, which an operator cancels after a confirmation', async () => {
    place.put({ 'in/c.csv': 'id,pays,montant\n6,Suisse,1\n' });
    const page = await open('/runs/last', 'chef');
    await page.locator('.facts').getByText('partly failed').waitFor();
    const run = place.start(['run'], { DATAFLOW_FAULT: 'before-ledger-write:stop@1' });
    await page.locator('.facts').getByText('running').waitFor({ timeout: 30_000 });
    await page.getByRole('button', { name: 'Cancel run' }).click();
    await page.getByRole('button', { name: 'Yes, do it' }).click();
    await page.getByRole('status').getByText('done').waitFor();
    run.child.kill('SIGCONT');
    expect((await run.ended).status).toBe(130);
    await page.locator('.facts').getByText('interrupted').waitFor({ timeout: 30_000 });
    await page.getByRole('button', { name: 'Retry' }).click();
    await page.getByRole('button', { name: 'Yes, do it' }).click();
    await page.locator('.facts').getByText('succeeded').waitFor({ timeout: 60_000 });
    expect(readFileSync(`${place.folder}/lake/_dataflow/actions.ndjson`, 'utf8')).toContain('"by":"chef"');
    await page.context().close();
  }, 120_000);
});

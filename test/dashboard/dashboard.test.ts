import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Complaints, launch, openPage, type Reader, settled, withoutBrowser } from './browser.ts';
import { type ServedRetail, serveRetail, TOKEN } from './served-retail.ts';

const missing = withoutBrowser();
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** With a rule that Lighthouse has, too. */
const AXE_ALL = '{ resultTypes: ["violations"], rules: { "label-content-name-mismatch": { enabled: true } } }';
/** A page in its other colours has the same elements. */
const AXE_COLORS = '{ resultTypes: ["violations"], runOnly: ["color-contrast"] }';
const FIRST_VIEW_BYTES_MAX = 300_000;
/** Nobody sees less than this jump (a good page is below 0.1). */
const SHIFTED_MAX = 0.03;
/** Adds up how far what is in view was pushed about. */
const SHIFTS = `window.shifted = 0;
new PerformanceObserver((list) => { for (const { value } of list.getEntries()) window.shifted += value; }).observe({ type: 'layout-shift', buffered: true });`;

/** The built program serves a real lake of the retail project to a real browser. */
describe.skipIf(missing !== undefined)(`the dashboard${missing === undefined ? '' : ` — skipped: ${missing}`}`, () => {
  let browser: Browser;
  let served: ServedRetail;
  let addresses: readonly string[] = [];
  const complaints: Complaints = { errors: [], strangers: [] };
  const opened: { close(): Promise<void> }[] = [];

  beforeAll(async () => {
    [browser, served] = await Promise.all([launch(), serveRetail()]);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await served?.close();
  });

  const read = async (address: string, reader: Reader = {}): Promise<Page> => {
    for (const one of opened.splice(0)) await one.close();
    const { page, context } = await openPage(browser, served.url, complaints, { token: TOKEN, ...reader });
    opened.push(context);
    await page.goto(address);
    if (reader.token !== '') await settled(page);
    return page;
  };

  it('asks for a token, says when one is wrong, and forgets it with the tab', async () => {
    const page = await read('/d/produits?x=1', { token: '' });
    const field = page.getByLabel('Jeton');
    await field.fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('n’est pas accepté').waitFor();
    await field.fill(TOKEN);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Produits', level: 1 }).waitFor();
    expect(await page.evaluate('[localStorage.length, sessionStorage.length]')).toEqual([0, 1]);
    await page.reload();
    await settled(page);
    await page.getByRole('button', { name: 'Se déconnecter' }).click();
    await field.waitFor();
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
  });

  it('shows the first page within 300 kB, asks nobody else, and lists the pages', async () => {
    let bytes = 0;
    const { page, context } = await openPage(browser, served.url, complaints, { token: TOKEN });
    opened.push(context);
    page.on('requestfinished', async (request) => {
      if (request.url().endsWith('/events')) return;
      const { responseBodySize, responseHeadersSize } = await request.sizes();
      bytes += responseBodySize + responseHeadersSize;
    });
    await page.addInitScript(SHIFTS);
    await page.goto('/');
    await settled(page);
    await page.waitForLoadState('load');
    expect(await page.evaluate<number>('window.shifted')).toBeLessThan(SHIFTED_MAX);
    expect(bytes).toBeGreaterThan(50_000);
    expect(bytes).toBeLessThan(FIRST_VIEW_BYTES_MAX);
    const links = page.getByRole('navigation').getByRole('link');
    addresses = await Promise.all((await links.all()).map(async (link) => (await link.getAttribute('href')) ?? ''));
    addresses = addresses.filter((address) => address.startsWith('/d/'));
    expect(addresses).toEqual(['/d/vue-d-ensemble', '/d/chiffre-d-affaires', '/d/clients', '/d/produits']);
    expect(new URL(page.url()).pathname).toBe('/d/vue-d-ensemble');
    expect(await page.locator('.metric-value').allInnerTexts()).toEqual(
      expect.arrayContaining([expect.stringMatching(/^\d{3}\s\d{3}\s€$/)]),
    );
  });

  it('has the shape of a page before its program is there', async () => {
    const { page, context } = await openPage(browser, served.url, complaints, { token: TOKEN });
    opened.push(context);
    let go: () => void = () => {};
    const held = new Promise<void>((done) => {
      go = done;
    });
    await page.route(/\/assets\/start-/, async (route) => {
      await held;
      await route.continue();
    });
    // What every page shows is asked for meanwhile, once.
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.goto('/', { waitUntil: 'commit' });
    await page.locator('.skeleton').waitFor();
    await expect.poll(() => asked.includes('/api/v1/dashboard')).toBe(true);
    expect(await page.getByRole('heading', { name: "Vue d'ensemble" }).count()).toBe(0);
    go();
    await page.getByRole('heading', { name: "Vue d'ensemble", level: 1 }).waitFor();
    expect(asked.filter((path) => path === '/api/v1/dashboard')).toHaveLength(1);
  });

  it.each(['light', 'dark'] as const)('has no serious fault for assistive technology, %s', async (theme) => {
    const page = await read('/', { theme });
    for (const address of addresses) {
      await page.goto(address);
      await settled(page);
      await page.evaluate(AXE);
      const { violations } = await page.evaluate<{
        violations: { id: string; impact: string; nodes: { html: string }[] }[];
      }>(`axe.run(document, ${theme === 'light' ? AXE_ALL : AXE_COLORS})`);
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect([address, serious.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)]).toEqual([address, []]);
    }
  });

  it('fits a phone of 360 pixels without sideways scrolling, the page of now in view in the navigation', async () => {
    const page = await read('/', { width: 360 });
    for (const address of addresses) {
      await page.goto(address);
      await settled(page);
      const { x = 0, width = 0 } = (await page.locator('.navigation [aria-current=page]').boundingBox()) ?? {};
      expect([address, x >= 0, Math.floor(x + width) <= 360]).toEqual([address, true, true]);
      expect([address, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([address, 360]);
    }
  });

  it('is walked by keyboard: every control can be reached and is seen to have the focus', async () => {
    const page = await read('/');
    for (const address of addresses) {
      await page.goto(address);
      await settled(page);
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.className')).toBe('skip');
      const wanted = await page.evaluate<number>(CONTROLS);
      const seen = new Set<number>();
      const faint: string[] = [];
      for (let presses = 0; presses < wanted + 40 && seen.size < wanted; presses++) {
        const [number, outline, html] = await page.evaluate<[number, boolean, string]>(FOCUSED);
        if (number >= 0) seen.add(number);
        if (!outline) faint.push(html);
        await page.keyboard.press('Tab');
      }
      expect([address, seen.size, faint]).toEqual([address, wanted, []]);
    }
  });

  it('reads a chart with the arrow keys, and shows it as a table', async () => {
    const page = await read('/d/vue-d-ensemble');
    const chart = page.getByRole('img', { name: 'CA par pays : barres' });
    const card = page.getByRole('region', { name: 'CA par pays' });
    await chart.focus();
    await card.locator('canvas').waitFor();
    await page.keyboard.press('ArrowRight');
    const first = card.getByRole('status').filter({ hasText: /: [\d\s]+ €/ });
    const said = await first.innerText();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => first.innerText()).not.toBe(said);
    await page.keyboard.press('Escape');
    await card.getByRole('button', { name: 'Afficher en tableau: CA par pays' }).click();
    const [country = '', amount = ''] = said.split(': ');
    const row = card.getByRole('row').filter({ hasText: country });
    expect(await row.innerText()).toContain(amount.trim());
  });

  it('keeps filters in the address, and goes back over them', async () => {
    const page = await read('/d/clients');
    const count = page.getByRole('region', { name: 'Clients', exact: true }).locator('.metric-value');
    const all = await count.innerText();
    await page.getByRole('button', { name: 'Pays Tous' }).click();
    await page.getByRole('checkbox', { name: 'Suisse' }).check();
    await page.getByRole('checkbox', { name: 'Canada' }).check();
    await page.keyboard.press('Escape');
    expect(new URL(page.url()).search).toBe('?pays=Suisse&pays=Canada');
    await expect.poll(() => count.innerText()).not.toBe(all);
    await settled(page);
    const two = await count.innerText();
    const shared = await read(new URL(page.url()).search.replace(/^/, '/d/clients'));
    expect(await shared.locator('.metric-value').first().innerText()).toBe(two);
    await shared.getByRole('button', { name: 'Réinitialiser les filtres' }).click();
    await expect.poll(() => shared.locator('.metric-value').first().innerText()).toBe(all);
    await shared.goBack();
    await expect.poll(() => shared.locator('.metric-value').first().innerText()).toBe(two);
  });

  it('takes a period and a granularity', async () => {
    const page = await read('/d/chiffre-d-affaires');
    const total = page.locator('.metric-value').first();
    const all = await total.innerText();
    await page.getByLabel('Période, Du').fill('2024-01-01');
    await page.getByLabel('Période, Au').fill('2024-01-31');
    await expect.poll(() => page.getByText(/sur 31$/).count()).toBe(1);
    expect(await total.innerText()).not.toBe(all);
    await page.getByRole('button', { name: 'Jour', exact: true }).click();
    expect(new URL(page.url()).searchParams.get('periode')).toBe('2024-01-01..2024-01-31');
    const card = page.getByRole('region', { name: 'Évolution du CA' });
    await card.getByRole('button', { name: /Afficher en tableau/ }).click();
    await expect.poll(() => card.getByRole('row').count()).toBe(32);
  });

  it('sorts, finds, pages and exports a table', async () => {
    const page = await read('/d/clients');
    const card = page.getByRole('region', { name: 'Liste des clients' }).first();
    const cells = (column: number) => card.locator(`tbody td:nth-child(${column})`).allInnerTexts();
    await card.getByRole('button', { name: 'Numéro' }).click();
    await expect.poll(async () => (await cells(1)).slice(0, 3)).toEqual(['1', '2', '3']);
    await card.getByRole('button', { name: 'Page suivante' }).click();
    await expect.poll(async () => (await cells(1))[0]).toBe('26');
    await card.getByRole('button', { name: 'Numéro' }).click();
    await expect.poll(async () => Number((await cells(1))[0])).toBeGreaterThan(1000);
    await card.getByRole('searchbox').fill('suisse');
    await expect.poll(async () => [...new Set(await cells(4))]).toEqual(['Suisse']);
    // The address says it all: whoever is sent it sees the same.
    const { search } = new URL(page.url());
    expect(search).toBe('?liste-des-clients.sort=-id_client&liste-des-clients.find=suisse');
    const first = await cells(1);
    await page.goto(`/d/clients${search}`);
    await settled(page);
    expect([await cells(1), await card.getByRole('searchbox').inputValue()]).toEqual([first, 'suisse']);
    const total = Number(((await card.locator('.pager').innerText()).match(/sur (\d+)/) ?? [])[1]);
    for (const format of ['CSV', 'JSON']) {
      const waiting = page.waitForEvent('download');
      await card.getByRole('button', { name: `${format}, Exporter Liste des clients` }).click();
      const text = readFileSync(await (await waiting).path(), 'utf8');
      const rows = format === 'CSV' ? text.trim().split('\n').length - 1 : JSON.parse(text).length;
      expect([format, rows]).toEqual([format, total]);
      expect(text).toContain('Suisse');
    }
    await card.getByRole('searchbox').fill('nobody is called so');
    await card.getByText('Aucune donnée pour cette sélection').waitFor();
  });

  it('speaks French and English, and is light or dark', async () => {
    const page = await read('/d/vue-d-ensemble');
    expect(await page.evaluate('document.documentElement.lang')).toBe('fr');
    await page.getByRole('button', { name: 'English' }).click();
    expect(await page.evaluate('document.documentElement.lang')).toBe('en');
    await page.getByText(/^Release (now|\d+ )/).waitFor();
    expect(await page.locator('.metric-value').first().innerText()).toMatch(/^\d{3},\d{3} €$/);
    const ground = 'getComputedStyle(document.documentElement).backgroundColor';
    const light = await page.evaluate(ground);
    await page.getByRole('button', { name: 'Dark' }).click();
    expect(await page.evaluate(ground)).not.toBe(light);
    await page.reload();
    await settled(page);
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark');
    await page.getByRole('button', { name: 'Next page' }).waitFor();
  });

  it('shows a new release when a run publishes it', async () => {
    const page = await read('/d/vue-d-ensemble');
    await page.locator('.dot-live').waitFor();
    const release = await page.locator('.release time').getAttribute('title');
    served.publish({ id: 900_001, day: '2025-01-15', amount: '123.45' });
    await expect.poll(() => page.locator('.metric-value').first().innerText(), { timeout: 15_000 }).toBe('123 €');
    await expect.poll(() => page.locator('.release time').getAttribute('title')).not.toBe(release);
    await page.getByText('Une nouvelle version a été publiée').waitFor({ state: 'attached' });
  });

  it('says that the server is gone, and comes back with it', async () => {
    const page = await read('/d/produits');
    await page.locator('.dot-live').waitFor();
    // Parts of the program that charts need are there before the server goes.
    await expect.poll(() => page.locator('canvas').count()).toBe(3);
    await served.stop();
    await page.getByText('Le serveur est injoignable').first().waitFor();
    // What was shown stays; what is new cannot be had, and says so.
    expect(await page.getByRole('region', { name: 'Volumes' }).count()).toBe(1);
    await page.getByRole('link', { name: 'Clients' }).click();
    await page.getByRole('button', { name: 'Réessayer' }).first().waitFor();
    await served.start();
    await page.locator('.metric-value').first().waitFor({ timeout: 30_000 });
    await settled(page);
    await expect.poll(() => page.getByText('Le serveur est injoignable').count()).toBe(0);
  });

  it('leads from an address that is no page to the first one', async () => {
    const page = await read('/d/nothing-here');
    await page.getByRole('heading', { name: 'Cette page n’existe pas' }).waitFor();
    await page.getByRole('link', { name: 'Vers la première page' }).click();
    await page.getByRole('heading', { name: "Vue d'ensemble", level: 1 }).waitFor();
  });

  it('made no mistake meanwhile, and asked no other server', () => {
    expect(complaints).toEqual({ errors: [], strangers: [] });
  });
});

/** Numbers what the Tab key should reach, and says how many there are. */
const CONTROLS = `(() => {
  const all = [...document.querySelectorAll('a[href], button:not(:disabled), input, select, [tabindex="0"]')];
  const shown = all.filter((one) => one.checkVisibility());
  shown.forEach((one, i) => { one.dataset.number = i; });
  return shown.length;
})()`;

/** The number of what has the focus, whether that is seen, and what it is. */
const FOCUSED = `(() => {
  const one = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(one);
  const seen = one === document.body || (outlineStyle !== 'none' && outlineWidth !== '0px');
  return [Number(one.dataset.number ?? -1), seen, one.outerHTML.slice(0, 120)];
})()`;

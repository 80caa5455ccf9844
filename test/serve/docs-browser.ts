import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const CHROMIUM = process.env['DATAFLOW_CHROMIUM'] ?? '/usr/bin/chromium';

/** Why pages cannot be looked at here: empty when they can. */
export const NO_CHROMIUM = existsSync(CHROMIUM) ? '' : ' — skipped: no Chromium (apt-get install chromium)';

/** What a browser met on `/docs`, after it opened the endpoint of that path and asked it. */
export interface Met {
  readonly title: string;
  readonly endpoints: number;
  /** Status that the page shows for what it asked. */
  readonly answered: string;
  readonly errors: readonly string[];
  /** Requests to anybody else. */
  readonly strangers: readonly string[];
}

export async function readDocs(url: string, path: string): Promise<Met> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    const strangers: string[] = [];
    page.on('console', (message) => void (message.type() === 'error' && errors.push(message.text())));
    page.on('pageerror', (error) => void errors.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith(`${url}/`) && !request.url().startsWith('data:')) strangers.push(request.url());
    });
    await page.goto(`${url}/docs`);
    await page.locator('.opblock-tag').first().waitFor();
    const title = await page.title();
    const closed = page.locator('.opblock-tag[data-is-open="false"]');
    while ((await closed.count()) > 0) await closed.first().click();
    const endpoints = await page.locator('.opblock').count();
    const block = page.locator('.opblock', { has: page.locator(`[data-path="${path}"]`) });
    await block.locator('.opblock-summary').click();
    await block.getByRole('button', { name: 'Try it out' }).click();
    await block.getByRole('button', { name: 'Execute' }).click();
    const answered = await block.locator('.live-responses-table .response-col_status').last().textContent();
    return { title, endpoints, answered: answered?.trim() ?? '', errors, strangers };
  } finally {
    await browser.close();
  }
}

import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

/** The system's Chromium, driven through its own protocol. */
const PLACES = [
  process.env['DATAFLOW_CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const executable = PLACES.find((path) => path !== undefined && existsSync(path));

/** Why pages cannot be looked at here; undefined when they can. */
export function withoutBrowser(): string | undefined {
  return executable === undefined ? 'no Chromium (apt-get install chromium)' : undefined;
}

export function launch(): Promise<Browser> {
  return chromium.launch({
    ...(executable === undefined ? {} : { executablePath: executable }),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
}

/** What went wrong on pages, and who else was asked: both stay empty. */
export interface Complaints {
  readonly errors: string[];
  readonly strangers: string[];
}

export interface Reader {
  readonly theme?: 'light' | 'dark';
  readonly language?: 'en-GB' | 'fr-FR';
  readonly width?: number;
  /** Signed in already. */
  readonly token?: string;
}

/** A page of a reader of his own, whose mistakes are written down. */
export async function openPage(
  browser: Browser,
  url: string,
  complaints: Complaints,
  { theme = 'light', language = 'fr-FR', width = 1280, token }: Reader = {},
): Promise<{ readonly page: Page; readonly context: BrowserContext }> {
  const context = await browser.newContext({
    baseURL: url,
    colorScheme: theme,
    locale: language,
    timezoneId: 'UTC',
    viewport: { width, height: width < 500 ? 740 : 900 },
    reducedMotion: 'reduce',
    acceptDownloads: true,
  });
  if (token !== undefined && token !== '')
    await context.addInitScript(`sessionStorage.setItem('dataflow.token', '${token}')`);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.on('pageerror', (error) => complaints.errors.push(error.message));
  page.on('console', (message) => {
    // Answers that are errors, and a server that is gone, are what some tests are about.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text()))
      complaints.errors.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(`${url}/`) && !/^(data|blob):/.test(request.url()))
      complaints.strangers.push(request.url());
  });
  return { page, context };
}

/** Waits until every widget in view shows figures. */
export async function settled(page: Page): Promise<void> {
  await page.locator('main .card, main .state').first().waitFor();
  await page.locator('.skeleton, [aria-busy=true]').first().waitFor({ state: 'detached' });
}

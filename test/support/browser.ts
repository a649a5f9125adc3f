// A real Chromium for the tests of the page: the system's own, found by its usual names. What it says in its console is collected.

import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

const places = [
  process.env.CHROMIUM_PATH ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

/** Null: not installed, the tests of the page are skipped. */
export const chromiumPath: string | null = places.find((place) => place !== '' && existsSync(place)) ?? null;

/** The option of node:test that skips where there is no browser. */
export const needsBrowser = { skip: chromiumPath === null && 'no Chromium is installed (CHROMIUM_PATH names one)' };

export interface View extends AsyncDisposable {
  page: Page;
  /** Errors and warnings of the console, uncaught exceptions, and requests to anywhere but the page's own server. */
  complaints: string[];
}

export interface ViewOptions {
  width?: number;
  height?: number;
  theme?: 'light' | 'dark';
  /** Pixels of the picture per pixel of the page. */
  scale?: number;
}

/** Opens the page of the supervisor whose admin port this is, in a browser of its own, and waits until it shows the workers. */
export async function openPage(admin: number, options: ViewOptions = {}): Promise<View> {
  const { width = 1280, height = 900, theme = 'light', scale = 1 } = options;
  const origin = `http://127.0.0.1:${admin}`;
  const browser = await launch();
  try {
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: theme,
      deviceScaleFactor: scale,
      hasTouch: width < 600,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`));
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(origin) && !url.startsWith('blob:') && !url.startsWith('data:')) {
        complaints.push(`request to ${url}`);
      }
    });
    await page.goto(origin);
    await page.locator('.worker').first().waitFor();
    return { page, complaints, [Symbol.asyncDispose]: () => browser.close() };
  } catch (error) {
    await browser.close();
    throw error;
  }
}

function launch(): Promise<Browser> {
  if (chromiumPath === null) throw new Error('no Chromium is installed');
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

// SPDX-License-Identifier: Apache-2.0
// Chromium, and a page that notes everything that goes wrong in it.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ROOT } from './stack.mjs';

// The version that web/package-lock.json pins.
const require = createRequire(path.join(ROOT, 'web/package.json'));
const { chromium } = require('playwright-core');

const SHOTS = path.join(ROOT, 'build/screenshots');
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const DESKTOP = { width: 1600, height: 1000 };
export const PHONE = { width: 400, height: 800 };

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ARGS,
  });

/** Console errors, uncaught exceptions and refused files of a page, as they come. */
export function watch(page) {
  const faults = [];
  page.on('console', (message) => {
    if (message.type() === 'error') {
      faults.push(`console: ${message.text()} ${message.location().url}`);
    }
  });
  page.on('pageerror', (error) => faults.push(`uncaught: ${error.message}`));
  page.on('response', (response) => {
    if (response.status() >= 400) {
      faults.push(`${response.status()} ${response.url()}`);
    }
  });
  return faults;
}

export async function shoot(page, name) {
  fs.mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: path.join(SHOTS, `${name}.png`) });
}

/** Where a panel stands; `title` is its title. */
export const panel = (page, title) =>
  page.locator(`section[data-testid="data-testid Panel header ${title}"]`);

/** The panels that have drawn something: pixels on a canvas, or a number. */
export async function drawnPanels(page) {
  return page.$$eval('[data-viz-panel-key]', (panels) =>
    panels
      .filter((element) => {
        const painted = [...element.querySelectorAll('canvas')].some((canvas) => {
          const { width, height } = canvas;
          const pixels =
            width && height && canvas.getContext('2d').getImageData(0, 0, width, height);
          return pixels && pixels.data.some((value) => value !== 0);
        });
        const plugin = element.getAttribute('data-plugin-id');
        const content = element.querySelector('[data-testid="data-testid panel content"]');
        const values = plugin !== 'text' && /\d/.test(content?.textContent ?? '');
        return painted || (plugin !== 'timeseries' && values);
      })
      .map((element) => element.getAttribute('data-viz-panel-key'))
  );
}

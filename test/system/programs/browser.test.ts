import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reportedRun } from '../../../src/cli/commands/evidence/load-details.js';
import { htmlReport } from '../../../src/report/html/page.js';
import { judgeFolder } from '../../../src/system/evidence/replay.js';
import { reported } from '../../support/report/evidence.js';
import { file, needs } from '../../support/needs.js';

const executablePath = '/usr/bin/chromium';
const axe = readFileSync(resolve(import.meta.dirname, '../../../node_modules/axe-core/axe.min.js'), 'utf8');

const pages = {
  'a leak': [reported(['c'], { state: true })],
  'nothing leaked': [reported([])],
  'two hundred guests': [reported(['g1', 'g2'], { guests: 200 })],
  'two runs': [reported(['c']), reported([])],
} as const;

describe('html report in Chromium', needs(file(executablePath)), () => {
  const scratch = mkdtempSync(join(tmpdir(), 'page-'));
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    });
  });
  afterAll(async () => {
    await browser.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  /** Opens the page as a reader would; returns what went over the network, to the console, or wrong. */
  async function open(
    name: keyof typeof pages,
    colorScheme: 'light' | 'dark',
    bypassCSP: boolean,
  ): Promise<{ page: Page; reported: string[] }> {
    const file = join(scratch, `${name}.html`);
    writeFileSync(file, htmlReport(pages[name], { width: 80, color: false }));
    const context = await browser.newContext({ colorScheme, bypassCSP, viewport: { width: 1000, height: 1300 } });
    const page = await context.newPage();
    const reported: string[] = [];
    page.on('console', (message) => reported.push(message.text()));
    page.on('pageerror', (error) => reported.push(error.message));
    page.on('request', (request) => {
      if (request.url() !== `file://${encodeURI(file)}`) reported.push(request.url());
    });
    await page.goto(`file://${file}`);
    return { page, reported: reported };
  }

  const names = Object.keys(pages) as (keyof typeof pages)[];
  const quietly = async (name: keyof typeof pages): Promise<void> => {
    const { page, reported: told } = await open(name, 'light', false);
    expect(told).toEqual([]);
    expect(await page.evaluate('getComputedStyle(document.querySelector(".verdict")).borderLeftStyle')).toBe('solid');
    const overflow: unknown = await page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect(Number(overflow)).toBeLessThanOrEqual(0);
    await page.context().close();
  };
  const quiet = 'loads nothing, says nothing on the console and applies its style: %s';
  it.each(names.slice(0, 1))(quiet, quietly);
  it.each(names.slice(1))(quiet, { tags: 'all' }, quietly);

  const shown = (['light', 'dark'] as const).flatMap((scheme) => names.map((name) => [name, scheme] as const));
  const accessible = 'has nothing that axe objects to: %s, %s';
  const access = async (...[name, scheme]: (typeof shown)[number]): Promise<void> => {
    // axe is put into the page by the test; the policy would rightly refuse it.
    const { page } = await open(name, scheme, true);
    await page.evaluate('document.querySelectorAll("details").forEach((each) => { each.open = true; })');
    await page.evaluate(axe);
    const violations: unknown = await page.evaluate(
      'axe.run().then((found) => found.violations.map((each) => [each.id, each.nodes[0].html]))',
    );
    expect(violations).toEqual([]);
    await page.context().close();
  };
  it.each(shown.slice(0, 1))(accessible, access);
  it.each(shown.slice(1))(accessible, { tags: 'all' }, access);

  it('opens a folded section by its link, and on paper: no script does it', async () => {
    const { page } = await open('a leak', 'light', false);
    const proof = page.locator('#proof');
    expect(await proof.isVisible()).toBe(false);
    await page.locator('nav a', { hasText: 'Proof' }).click();
    expect(await proof.isVisible()).toBe(true);
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('#method').isVisible()).toBe(true);
    expect(await page.locator('#frames').isVisible()).toBe(false);
    await page.context().close();
  });

  it('keeps the picture readable on a telephone: it scrolls by itself', async () => {
    const { page } = await open('two hundred guests', 'light', false);
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await page.evaluate('document.querySelector("svg.net").getBoundingClientRect().width')).toBeGreaterThan(700);
    const overflow: unknown = await page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect(Number(overflow)).toBeLessThanOrEqual(0);
    await page.context().close();
  });

  it('refuses a script that somebody writes into the file', async () => {
    const file = join(scratch, 'tampered.html');
    writeFileSync(
      file,
      htmlReport(pages['a leak'], { width: 80, color: false }).replace(
        '</main>',
        '<script>document.title = "run"</script></main>',
      ),
    );
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`file://${file}`);
    expect(await page.title()).not.toBe('run');
    await context.close();
  });

  it('prints on A4, and lets the keyboard reach the verdict first', async () => {
    const { page } = await open('a leak', 'light', false);
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the verdict');
    const pdf = await page.pdf({ preferCSSPageSize: true });
    const box = /MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)/.exec(pdf.toString('latin1'));
    expect([Number(box?.[1]), Number(box?.[2])].map(Math.round)).toEqual([595, 842]);
    await page.context().close();
  });

  it('prints the experiment, ten steps, on at most four pages', async () => {
    const dir = resolve(import.meta.dirname, '../../../captures/wireshark-experiment');
    const { result, input } = await judgeFolder(dir);
    const file = join(scratch, 'experiment.html');
    writeFileSync(file, htmlReport([await reportedRun(dir, result, true, input)], { width: 80, color: false }));
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`file://${file}`);
    const pdf = await page.pdf({ preferCSSPageSize: true });
    const pages = Math.max(...[...pdf.toString('latin1').matchAll(/\/Count (\d+)/g)].map(([, count]) => Number(count)));
    expect(pages).toBeGreaterThan(1);
    expect(pages).toBeLessThanOrEqual(4);
    await context.close();
  });
});

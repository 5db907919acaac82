import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitStatuses, runExits } from '../../../src/core/model/verify-error.js';
import { parseScenario } from '../../../src/core/scenario/load-scenario.js';
import { blocks, documents } from '../../support/documents.js';

const top = resolve(import.meta.dirname, '../../..');

const helps = new Map<string, string>();
/** What a command says of its options. */
function helpOf(command: string): string {
  const known =
    helps.get(command) ??
    spawnSync(process.execPath, [join(top, 'dist/cli.cjs'), command, '--help'], { encoding: 'utf8' }).stdout;
  helps.set(command, known);
  return known;
}

/** The places of a page that a link can name: its headings as GitHub writes them, and what has an id. */
function anchorsOf(path: string): ReadonlySet<string> {
  const text = readFileSync(join(top, path), 'utf8').replaceAll(/^```[^]*?^```$/gm, '');
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
  return new Set([...headings, ...[...text.matchAll(/<a id="([^"]+)"/g)].map(([, id = '']) => id)]);
}

describe.each(documents)('%s', (document) => {
  const text = readFileSync(join(top, document), 'utf8');

  it('shows scenarios that are valid', () => {
    const scenarios = blocks(text, 'yaml').filter((block) => block.includes('version: 1'));
    for (const block of scenarios) expect(parseScenario(document, new TextEncoder().encode(block)).faults).toEqual([]);
  });

  it('names only options that there are', () => {
    const typed = blocks(text, 'text')
      .flatMap((block) => block.split('\n'))
      .flatMap((line) => {
        const [, command, rest] = /^verify-isolation ([a-z-]+)(.*?)( {2,}#.*)?$/.exec(line) ?? [];
        return command === undefined
          ? []
          : [{ line, command, options: [...(rest ?? '').matchAll(/--[a-z][a-z-]*/g)].map(([option]) => option) }];
      });
    expect(
      typed.filter(({ command, options }) => options.some((option) => !helpOf(command).includes(`${option} `))),
    ).toEqual([]);
  });

  it('links to files that exist', () => {
    const links = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path = '']) => join(dirname(document), path));
    expect(links.filter((path) => !existsSync(join(top, path)))).toEqual([]);
  });

  it('links to headings that exist', () => {
    const links = [...text.matchAll(/\]\(([^)#:\s]*\.md)?#([^)\s]+)\)/g)].map(([, path, anchor = '']) => ({
      page: path === undefined ? document : join(dirname(document), path),
      anchor,
    }));
    expect(links.filter(({ page, anchor }) => !anchorsOf(page).has(anchor))).toEqual([]);
  });
});

it('docs/commands.md says what every exit status means, the README what a run ends with', () => {
  const [commands = '', readme = ''] = ['docs/commands.md', 'README.md'].map((page) =>
    readFileSync(join(top, page), 'utf8'),
  );
  expect(commands.split(/^## /m).at(-1)).toContain(
    exitStatuses.map(({ status, long }) => `- ${status}: ${long}\n`).join(''),
  );
  const [, listed = ''] = /^\[Exit status\]\(.*\): (.*)\.$/m.exec(readme) ?? [];
  expect(runExits.map(({ status, short }) => `${status} ${short}`)).toEqual(expect.arrayContaining(listed.split(', ')));
});

it('the README has commands and a scenario', () => {
  const readme = readFileSync(join(top, 'README.md'), 'utf8');
  expect(blocks(readme, 'sh').length).toBeGreaterThan(2);
  expect(blocks(readme, 'yaml').length).toBeGreaterThan(0);
});

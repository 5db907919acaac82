import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../../src/core/scenario/load-scenario.js';
import { callHere } from '../../support/call-here.js';
import { blocks, documents, textOf, top } from '../../support/documents.js';
import { cellsOf, sentencesOf } from '../../support/sentences.js';

const helps = new Map<string, string>();
/** What a command says of its options. */
async function helpOf(command: string): Promise<string> {
  const known = helps.get(command) ?? (await callHere(command, '--help', '--all')).stdout;
  helps.set(command, known);
  return known;
}

/** The places of a page that a link can name: its headings as GitHub writes them, and what has an id. */
function anchorsOf(path: string): ReadonlySet<string> {
  const text = textOf(path).replaceAll(/^```[^]*?^```$/gm, '');
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
  return new Set([...headings, ...[...text.matchAll(/<a id="([^"]+)"/g)].map(([, id = '']) => id)]);
}

describe.each(documents)('%s', (document) => {
  const text = textOf(document);

  it('shows scenarios that are valid', () => {
    const scenarios = blocks(text, 'yaml').filter((block) => block.includes('version: 1'));
    for (const block of scenarios) expect(parseScenario(document, new TextEncoder().encode(block)).faults).toEqual([]);
  });

  it('names only options that there are', async () => {
    const typed = blocks(text, 'text')
      .flatMap((block) => block.split('\n'))
      .flatMap((line) => {
        const [, command, rest] = /^verify-isolation ([a-z-]+)(.*?)( {2,}#.*)?$/.exec(line) ?? [];
        return command === undefined
          ? []
          : [{ line, command, options: [...(rest ?? '').matchAll(/--[a-z][a-z-]*/g)].map(([option]) => option) }];
      });
    const unknown: typeof typed = [];
    for (const each of typed) {
      const help = await helpOf(each.command);
      if (each.options.some((option) => !help.includes(`${option} `))) unknown.push(each);
    }
    expect(unknown).toEqual([]);
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

const pages = [...documents, 'SECURITY.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'];
/** As `wc -w` counts. */
const wordsOf = (text: string): number => text.split(/\s+/).filter((word) => word !== '').length;

const maxSentence = 25;
/** Two lines of 120 columns, without the targets of links. */
const maxCell = 240;
/** A bound that shows growth; a page for a task is worth its words. */
const maxWords = 27_375;

describe.each(pages)('%s', (page) => {
  const text = textOf(page);

  it(`has sentences of at most ${maxSentence} words`, () => {
    expect(sentencesOf(text).flatMap(({ text, words }) => (words > maxSentence ? [`${words}: ${text}`] : []))).toEqual(
      [],
    );
  });

  it('has no cell of a table that is longer than two lines', () => {
    const lengths = cellsOf(text).map((cell) => ({ cell, length: cell.replaceAll(/\]\([^)]*\)/g, ']').length }));
    expect(lengths.filter(({ length }) => length > maxCell)).toEqual([]);
  });
});

it('the documents have no more words than they need', () => {
  const words = pages.reduce((sum, page) => sum + wordsOf(textOf(page)), 0);
  expect(
    words,
    `${words} words: say each fact once and link to it, put figures into bench/RESULTS.md, make tables of prose; ` +
      'raise maxWords in test/unit/docs/form.test.ts only for what users could not do before',
  ).toBeLessThanOrEqual(maxWords);
});

describe('sentences', () => {
  it.each([
    ['One. Two is `a b c`; more.', [1, 4]],
    ['| a; b c | `x` |', [1, 2, 1]],
    ['- One\n  more; again.\n- Two\n\n```text\nnot this\n```', [2, 1, 1]],
    ['See [the page](x y). [Next](z) one.', [3, 2]],
  ])('%j', (text, words) => {
    expect(
      sentencesOf(text)
        .map((sentence) => sentence.words)
        .filter((count) => count > 0),
    ).toEqual(words);
  });
});

const tests = readdirSync(join(top, 'test'), { recursive: true, encoding: 'utf8' }).map((path) => basename(path));
/** A path from the top of the repository; a capital letter, `*` or `{` in it stands for something else. */
const path = /(?<![\w./-])(?:src|test|scripts|docs|scenarios|captures|contrib|bench|schema)\/[\w./*{},-]*[\w*}/]/g;
const testFile = /(?<![\w./-])[\w.-]+\.test\.ts/g;

function found(text: string, pattern: RegExp): readonly string[] {
  return [...new Set([...text.matchAll(pattern)].map(([match]) => match))];
}

describe.each(['ARCHITECTURE.md', 'CONTRIBUTING.md'])('%s', (document) => {
  const text = textOf(document);

  it('names files and folders that exist', () => {
    const paths = found(text, path).filter((match) => !/[A-Z*{]/.test(match));
    expect(paths.length).toBeGreaterThan(5);
    expect(paths.filter((each) => !existsSync(join(top, each)))).toEqual([]);
  });

  it('names tests that exist', () => {
    const names = found(text, testFile);
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !tests.includes(name))).toEqual([]);
  });
});

it('ARCHITECTURE.md takes three screens at most', () => {
  expect(textOf('ARCHITECTURE.md').split('\n').length).toBeLessThanOrEqual(130);
});

it('README.md, ARCHITECTURE.md and CONTRIBUTING.md name no folder of src that is gone', () => {
  const folders = new Set(readdirSync(join(top, 'src')));
  const named = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'].flatMap((document) =>
    [...textOf(document).matchAll(/\bsrc\/([\w.-]*\w)/g)].map(([, name = '']) => name),
  );
  expect(named.filter((name) => !folders.has(name))).toEqual([]);
});

describe('SECURITY.md', () => {
  const text = textOf('SECURITY.md');
  const testsIn = (part: string): readonly string[] =>
    [...part.matchAll(/`(test\/[^`]+)`/g)].map(([, path = '']) => path);

  it('names tests that are there', () => {
    expect(testsIn(text).length).toBeGreaterThan(15);
    expect(testsIn(text).filter((path) => !existsSync(join(top, path)) || !/\.(test|soak)\.ts$/.test(path))).toEqual(
      [],
    );
  });

  it('has a test for every cell of its table, or says that there is none', () => {
    const [, table = ''] = /^## Who can do what\n([^#]*)/m.exec(text) ?? [];
    const cells = table
      .split('\n')
      .filter((line) => /^\| (?!who|---)/.test(line))
      .flatMap((line) => line.split(' | ').slice(1));
    expect(cells.length).toBe(14);
    const named = cells.map((cell) =>
      [...cell.matchAll(/\]\((test\/[^)]+\.test\.ts)\)/g)].map(([, path = '']) => path),
    );
    expect(cells.filter((cell, at) => named[at]?.length === 0 && !cell.includes('no test, for '))).toEqual([]);
    expect(named.flat().filter((path) => !existsSync(join(top, path)))).toEqual([]);
  });

  it('has a test for every promise', () => {
    const numbered = text
      .split(/^### /m)
      .slice(1)
      .filter((part) => /^\d+\. /.test(part));
    expect(numbered.map((part) => Number.parseInt(part, 10))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(numbered.filter((part) => testsIn(part.slice(part.indexOf('Held by'))).length === 0)).toEqual([]);
  });

  it('says of each kind of person what they can do and what not', () => {
    for (const who of [
      'guest',
      'tenant with API access',
      'local user',
      'author of a scenario',
      'far host',
      'holder of a folder',
    ])
      expect(text).toMatch(new RegExp(`^\\| ${who}[^|]*\\| [^|]+ \\| [^|]+ \\|$`, 'm'));
  });

  it('says how to report a fault', () => expect(text).toMatch(/^## How to report a fault$/m));
});

/** What a reader of the picture reads. */
const shownText = (svg: string): string =>
  [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text = '']) => text).join('\n');

describe('the pictures of a terminal', () => {
  const shown = readdirSync(join(top, 'docs/images')).filter((file) => file.endsWith('.svg'));
  it.each(shown)('docs/images/%s is small, harmless and in the README', (file) => {
    const svg = textOf(`docs/images/${file}`);
    expect(svg.length).toBeLessThan(60_000);
    expect(svg).not.toMatch(/<script|<image|href=|on\w+=|\/tmp\/|\/home\/|\/root\//);
    expect(svg).toMatch(/<title id="title">[^<]+<\/title><desc id="description">[^<]{60,}<\/desc>/);
    expect(textOf('README.md')).toContain(`docs/images/${file}`);
  });

  it('say what the README says of them', () => {
    expect(shownText(textOf('docs/images/demo.svg'))).toMatch(
      /REPRODUCED[^]*6 steps hold, 4 expected leaks reproduced[^]*fix\nip link set[^]*VMware on a port of its own\nHOLDS[^]*exit status 0/,
    );
    expect(shownText(textOf('docs/images/deafened.svg'))).toMatch(
      /INCONCLUSIVE[^]*helper-died at kali3[^]*exit status 3/,
    );
  });
});

it('the README has commands and a scenario', () => {
  const readme = textOf('README.md');
  expect(blocks(readme, 'sh').length).toBeGreaterThan(2);
  expect(blocks(readme, 'yaml').length).toBeGreaterThan(0);
});

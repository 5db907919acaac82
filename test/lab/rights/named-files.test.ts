import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { FileHash } from '../../../src/core/model/scenario.js';
import { runAuthored } from '../../../src/system/fabric/apply.js';
import { fresh } from '../../support/lab/program.js';
import { holdFiles } from '../../../src/system/fabric/hold-files.js';
import { refusalOf } from '../../support/refusal.js';

const folder = fresh('named-files');
const rules = join(folder, 'rules.nft');
const secret = join(folder, 'secret');
const asWritten = 'add table bridge t\n';
const hashOf = (path: string): FileHash => ({
  path,
  sha256: createHash('sha256').update(asWritten).digest('hex'),
});
const run = (argv: readonly string[], mustBeFree = false): Promise<string> =>
  refusalOf(() => runAuthored(argv, { folder, files: [hashOf('rules.nft'), hashOf(rules)], mustBeFree }, null));

describe('a program reads a file that a command names', () => {
  beforeEach(() => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    writeFileSync(rules, asWritten);
    writeFileSync(secret, 'root:SECRET\n', { mode: 0o600 });
  });

  it.each(['rules.nft', rules])('as it was compared, whatever its name leads to by then: %s', async (word) => {
    const swapAndRead = `ln -sf ${secret} ${rules}; cat "$0" >&2; exit 7`;
    const said = await run(['sh', '-c', swapAndRead, word]);
    expect(said).toContain(asWritten.trim());
    expect(said).not.toContain('SECRET');
    expect(readFileSync(rules, 'utf8')).toContain('SECRET');
  });

  it('from memory that not even root can change', async () => {
    const write = 'echo x > "$0" || echo y >> "$0"; cat "$0" >&2; exit 7';
    const said = await run(['sh', '-c', write, 'rules.nft']);
    expect(said).toContain('Operation not permitted');
    expect(said.endsWith(` · ${asWritten.trim()}`), said).toBe(true);
  });

  it('not at all where it is another one, or gone', async () => {
    const refused = `file-changed 3 rules.nft was changed since the run began: cat rules.nft is not carried out`;
    rmSync(rules);
    expect(await run(['cat', 'rules.nft'])).toBe(refused);
    symlinkSync(secret, rules);
    expect(await run(['cat', 'rules.nft'])).toBe(refused);
  });

  it('also where its name is a part of a word, in programs that every scenario may start', () => {
    const held = holdFiles(['tc', 'filter', `object=${rules}`, 'rules.nft', 'other'], folder, [
      hashOf('rules.nft'),
      hashOf(rules),
    ]);
    expect(held.argv).toEqual(['tc', 'filter', 'object=/proc/self/fd/3', '/proc/self/fd/4', 'other']);
    expect(held.handed.map((fd) => readFileSync(`/proc/self/fd/${fd}`, 'utf8'))).toEqual([asWritten, asWritten]);
    expect(held.said('/proc/self/fd/4:1: Error')).toBe('rules.nft:1: Error');
    held.close();
  });

  it('and without --allow-run finds none that was not there before', async () => {
    expect(await run(['cat', 'secret'])).toBe('nothing was thrown');
    expect(await run(['cat', 'secret'], true)).toContain('No such file or directory');
    expect(await run(['grep', '-q', 'bridge', 'rules.nft'], true)).toBe('nothing was thrown');
  });
});

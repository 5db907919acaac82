import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseScenario } from '../../src/scenario/load-scenario.js';

const top = resolve(import.meta.dirname, '../..');
const readme = readFileSync(join(top, 'README.md'), 'utf8');
const scratch = mkdtempSync(join(tmpdir(), 'readme-'));
mkdirSync(join(scratch, 'tmp'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function blocks(language: string): readonly string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, text = '']) => text);
}

// `npm test` of this very checkout would run itself.
const commands = blocks('sh').flatMap((block) => block.split('\n')).filter((line) => line !== '' && line !== 'npm test');

describe('README', () => {
  it('has commands to run', () => {
    expect(commands.length).toBeGreaterThan(5);
  });

  it.each(commands)('%s', (command) => {
    // What the reader's /tmp is to him is a folder of the test's own here.
    const { status, stderr } = spawnSync('sh', ['-c', command.replaceAll('/tmp/', `${scratch}/tmp/`)], { cwd: top, encoding: 'utf8' });
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  }, 120_000);

  it('shows scenarios that are valid', () => {
    const scenarios = blocks('yaml');
    expect(scenarios.length).toBeGreaterThan(0);
    for (const text of scenarios) expect(parseScenario('README.md', new TextEncoder().encode(text)).faults).toEqual([]);
  });

  it('links to files that exist', () => {
    const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path = '']) => path);
    expect(links.filter((path) => !existsSync(join(top, path)))).toEqual([]);
  });
});

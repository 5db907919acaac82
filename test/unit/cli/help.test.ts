import { describe, expect, it } from 'vitest';
import { helpGroups } from '../../../src/cli/help.js';
import { callHere } from '../../support/call-here.js';

describe('the help of a command', () => {
  // yargs renders it each time the command runs, and measuring one other character loads tables of Unicode: 20 ms.
  it.each(helpGroups.flatMap(({ names }) => names))('is plain ASCII: %s', async (name) => {
    const { stdout } = await callHere(name, '--help');
    expect(stdout).toContain('verify-isolation');
    expect(stdout.match(/[^\n -~]/g)).toBeNull();
  });

  it('lists the options of run in groups, the rare ones only with --all, and no types', async () => {
    const { stdout } = await callHere('run', '--help');
    const all = (await callHere('run', '--help', '--all')).stdout;
    expect(all.match(/^\S.*:$/gm)).toEqual([
      'Positionals:',
      'What to test:',
      'How hard to test:',
      'Output of the result:',
      'What you allow:',
      'Options:',
    ]);
    expect(stdout).toContain('--strict');
    expect(stdout).not.toContain('--linger');
    expect(all).toContain('--linger');
    expect(stdout.split('\n').length).toBeLessThan(60);
    expect(all).not.toMatch(/\[(boolean|string|array|number|choices|default)/);
  });
});

describe('a command line that is wrong', () => {
  it.each([
    ['run --yess', 'unknown option --yess; did you mean "--yes"?'],
    ['run --lingr 3s', 'unknown option --lingr; did you mean "--linger"?'],
    ['watch --brige br0', 'unknown option --brige; did you mean "--bridge"?'],
    ['run --class brodcast', 'did you mean "broadcast"?'],
    ['run --repeat 0', '--repeat: expected a whole number from 1 to 1000'],
    ['run --all', '--all: only with --help'],
    ['rn', 'unknown command rn; did you mean "run"?'],
    ['plan a.yml b.yml', 'Unknown argument: b.yml'],
  ])('%s: names the nearest word, and ends with 64', async (line, said) => {
    const { status, stdout, stderr } = await callHere(...line.split(' '));
    expect([status, stdout]).toEqual([64, '']);
    expect(stderr).toMatch(/^verify-isolation: /);
    expect(stderr).toContain(said);
  });
});

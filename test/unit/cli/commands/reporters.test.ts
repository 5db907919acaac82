import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chooseReporters, writeReports } from '../../../../src/cli/commands/reporters.js';
import { reporterHelp } from '../../../../src/cli/help.js';
import { reporterNames, reporters } from '../../../../src/report/reporters.js';
import { experiment } from '../../../support/report/fixture.js';

describe('chooseReporters', () => {
  it('gives stdout to the terminal report where nobody asks for it', () => {
    expect(chooseReporters([], false)).toEqual([{ name: 'terminal', path: null }]);
    expect(chooseReporters(['junit=a=b.xml'], false)).toEqual([
      { name: 'terminal', path: null },
      { name: 'junit', path: 'a=b.xml' },
    ]);
  });

  it('leaves stdout to the result alone with --json', () => {
    expect(chooseReporters([], true)).toEqual([{ name: 'json', path: null }]);
  });

  it.each([
    [['nonsense'], /known: terminal, json, junit, html, markdown, github, prometheus, ndjson, sarif, csv/],
    [['junit='], /give one/],
    [['junit', 'terminal'], /give all but one a path/],
  ] as const)('refuses %j', (asked, hint) => {
    try {
      chooseReporters(asked, false);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ exitCode: 64, hint: expect.stringMatching(hint) });
    }
  });
});

describe('writeReports', () => {
  it('names a reporter that fails and still runs the others', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'reports-'));
    try {
      const broken = { ...experiment, steps: null } as unknown as typeof experiment;
      const failed = await writeReports(
        [
          { name: 'junit', path: join(dir, 'junit.xml') },
          { name: 'json', path: join(dir, 'result.json') },
        ],
        [{ result: broken, dir: null, details: null }],
      );
      const text = expect.stringMatching(/^the junit report could not be written to .*junit\.xml: /);
      expect(failed).toEqual([{ text, status: 70 }]);
      expect(JSON.parse(readFileSync(join(dir, 'result.json'), 'utf8'))).toMatchObject({ verdict: 'broken' });
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

describe('--help', () => {
  it('names every reporter, each of which can be loaded', async () => {
    for (const name of reporterNames) {
      expect(reporterHelp).toContain(name);
      expect(await reporters[name]()).toBeTypeOf('function');
    }
  });
});

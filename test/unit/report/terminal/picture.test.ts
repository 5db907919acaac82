import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { reportCommand } from '../../../../src/cli/commands/evidence/report.js';
import { reportedRun } from '../../../../src/cli/commands/evidence/load-details.js';
import type { ReportedRun } from '../../../../src/report/reporter.js';
import { pictureLines } from '../../../../src/report/terminal/picture.js';
import { terminalReport } from '../../../../src/report/terminal/terminal.js';
import { judgeFolder } from '../../../../src/system/evidence/replay.js';
import { reported } from '../../../support/report/evidence.js';

const plain = (text: string): string => text;
const picture = (run: ReportedRun, width = 80): readonly string[] =>
  pictureLines(run, width, plain).map((line) => line.trimEnd());

async function recorded(name: string): Promise<ReportedRun> {
  const dir = resolve(import.meta.dirname, '../../../../captures', name);
  const { result, input } = await judgeFolder(dir);
  return reportedRun(dir, result, false, input);
}

describe('the picture for the terminal', () => {
  it('has a box for each endpoint, and a line for each cause with its members', async () => {
    const lines = picture(await recorded('wireshark-experiment'));
    expect(lines.slice(0, 12)).toEqual([
      '     ┌───────┐ ┌───────┐ ┌────────┐',
      '     │ kali2 │ │ kali3 │ │ winxp2 │',
      '     └───┬───┘ └───┬───┘ └────┬───┘',
      ' 1 ──────●─────────▲          │',
      ' 2 ──────▲─────────▲          │',
      '     ════╧╤════════╧═══╤══════╧════  br0',
      ' 1 ───────●            │',
      ' 2 ───────●            │',
      '     ┌────┴───┐ ┌──────┴─────┐',
      '     │ lan    │ │ winxp      │',
      '     │ uplink │ │ behind br0 │',
      '     └────────┘ └────────────┘',
    ]);
    expect(lines.slice(12).join(' ')).toMatch(/● sends {2}▲ overhears.* 1 kali3 receives .*br0 is\s+a hub/);
  });

  it('has no lines and no legend where nothing leaked', () => {
    const text = picture(reported([])).join('\n');
    expect(text).toContain('│ a │');
    expect(text).not.toMatch(/[●▲◆]/);
  });

  it.each([40, 60, 80, 100])('is no wider than %i columns, and puts those that behave alike into a box', (width) => {
    const lines = picture(reported(['g7', 'g9', 'g10', 'g11'], { guests: 200 }), width);
    expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(width);
    if (width === 100) expect(lines.join('\n')).toMatch(/│ g7, g9, g10 and g11 +│/);
  });

  it('stands before the answer, where it is asked for', async () => {
    const run = await recorded('hub-mode');
    const view = { width: 80, color: false };
    const without = terminalReport([run], view);
    const drawn = terminalReport([run], { ...view, picture: true });
    expect(drawn.endsWith(without)).toBe(true);
    expect(drawn.slice(0, -without.length)).toContain('│ kali3 │');
    expect(terminalReport([{ ...run, details: null }], { ...view, picture: true })).toBe(without);
  });

  it('takes names of guests as data', () => {
    const run = reported(['c'], { zone: '\u001b[31m\u202e' });
    expect(picture(run).join('\n')).not.toMatch(/\u001b|\u202e/);
  });

  it('is for people: a report for machines refuses it', async () => {
    await expect(reportCommand(['/nowhere'], 'html', null, true)).rejects.toMatchObject({
      code: 'usage',
      exitCode: 64,
    });
  });
});

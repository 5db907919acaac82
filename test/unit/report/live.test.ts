import { describe, expect, it, vi } from 'vitest';
import { liveProgress, type Screen } from '../../../src/report/progress/live.js';
import { makeProgress } from '../../../src/report/progress/make.js';
import { terminalReport } from '../../../src/report/terminal/terminal.js';
import { findings, result, step, leakingStep, doubtfulStep } from '../../support/report/fixture.js';

/** A terminal that keeps what stands on it. */
function terminal(): Pick<Screen, 'open' | 'write' | 'close'> & { readonly lines: () => readonly string[] } {
  let lines: string[] = [];
  return {
    open: () => undefined,
    close: () => undefined,
    write: (text) => {
      const [, up] = /^\u001b\[(\d+)A\u001b\[0J/.exec(text) ?? [];
      if (up !== undefined) lines = lines.slice(0, lines.length - Number(up));
      lines.push(
        ...text
          .replace(/^\u001b\[\d+A\u001b\[0J/, '')
          .split('\n')
          .slice(0, -1),
      );
    },
    lines: () => lines,
  };
}
const holds = step('quiet', {});
const leaks = leakingStep('loud');
const shown = step('demo', {
  verdict: 'broken',
  expected: 'broken',
  findings: findings('kali2', 'lan', 'raw', { lan: 100, kali3: 7 }),
});
const deaf = doubtfulStep('deaf', 'control-missing', 'kali3', '');
const left = step('late', {
  verdict: null,
  asExpected: false,
  reasons: [{ code: 'not-run', observer: null, text: '' }],
});

describe('the live view', () => {
  const at = (index: number, phase: 'probing' | 'done') =>
    ({ kind: 'step', index, of: 5, name: '', phase, detail: '' }) as const;

  it('calls nothing good before it was judged, and at the end each step what it came to', async () => {
    const screen = terminal();
    const view = liveProgress('run', ['quiet', 'loud', 'demo', 'deaf', 'late'], {
      ...screen,
      columns: 80,
      color: false,
    });
    view.onProgress({ kind: 'phase', name: 'building' });
    view.onProgress(at(0, 'probing'));
    view.onProgress(at(0, 'done'));
    view.onProgress(at(1, 'probing'));
    expect(screen.lines()).toEqual([
      'run',
      '  ✔ build the topology',
      '  · quiet',
      '  › loud: probing',
      '    demo',
      '    deaf',
      '    late',
      '    collate the captures',
      '    judge',
    ]);
    await view.end(result([holds, leaks, shown, deaf, left]));
    expect(screen.lines().slice(2, 7)).toEqual(['  ✔ quiet', '  ✖ loud', '  ◆ demo', '  ? deaf', '  ↓ late']);
  });

  it('cuts the name of a step before it cuts how long the step still takes', () => {
    const screen = terminal();
    const view = liveProgress('run', ['every guest to every other, with each carrier'], {
      ...screen,
      columns: 80,
      color: false,
    });
    const detail = '12,000 of 39,800 frames, 2,000/s, 12 s left';
    view.onProgress({ kind: 'step', index: 0, of: 1, name: '', phase: 'probing', detail });
    expect(screen.lines()[2]).toBe(`  › every guest to every other, w…: ${detail}`);
  });

  it('takes ten lines at most, and tells at the end what leaked first', async () => {
    const screen = terminal();
    const names = Array.from({ length: 130 }, (_, each) => `step ${each}`);
    const view = liveProgress('run', names, { ...screen, columns: 80, color: false });
    view.onProgress(at(60, 'probing'));
    expect(screen.lines().length).toBeLessThanOrEqual(10);
    expect(screen.lines()).toContain('  › step 60: probing');
    await view.end(
      result([...Array.from({ length: 60 }, () => holds), leaks, ...Array.from({ length: 69 }, () => left)]),
    );
    expect(screen.lines()).toEqual(['run', '  ✖ step 60', '  … the others: ✔ 63, ↓ 69']);
  });

  it('of many steps without anything to show says how many came to what', async () => {
    const screen = terminal();
    const names = Array.from({ length: 12 }, (_, each) => `step ${each}`);
    const view = liveProgress('run', names, { ...screen, columns: 80, color: false });
    view.onProgress(at(0, 'done'));
    await view.end(result([holds, ...Array.from({ length: 11 }, () => left)]));
    expect(screen.lines()).toEqual(['run', '  … all of them: ✔ 4, ↓ 11']);
  });

  it('of a run that came to no result says what was not run', async () => {
    const screen = terminal();
    const view = liveProgress('run', ['quiet', 'late'], { ...screen, columns: 80, color: false });
    view.onProgress(at(0, 'done'));
    await view.end(null);
    expect(screen.lines().slice(1)).toEqual([
      '  ✔ build the topology',
      '  · quiet',
      '  ↓ late',
      '  ↓ collate the captures',
      '  ↓ judge',
    ]);
  });
});

it('a run that was ended by Ctrl-C is told in ten lines, with what was shown until then', () => {
  const whole = result([leaks, ...Array.from({ length: 129 }, () => left)], { verdict: 'broken', exitCode: 2 });
  const text = terminalReport([{ result: whole, dir: 'evidence/x', details: null }], {
    width: 80,
    color: false,
    brief: true,
  });
  expect(text.trimEnd().split('\n').length).toBeLessThan(10);
  expect(text).toMatch(/^1 of 130 steps were carried out\nBROKEN: kali3 receives/);
});

describe('what others write to stderr while the view is drawn', () => {
  it('stands below it, and is not drawn over', async () => {
    const screen = terminal();
    const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      screen.write(String(text));
      return true;
    });
    try {
      const view = await makeProgress('live', 'run', ['quiet'], false);
      view.onProgress({ kind: 'phase', name: 'building' });
      process.stderr.write('left behind on br0: nothing (checked)\n');
      await view.end(null);
      process.stderr.write('afterwards\n');
    } finally {
      stderr.mockRestore();
    }
    const shown = screen.lines().map((line) => line.replaceAll(/\u001b\[[?\d;]*[A-Za-z]/g, ''));
    expect(shown[0]).toBe('run');
    expect(shown.slice(-2)).toEqual(['left behind on br0: nothing (checked)', 'afterwards']);
    expect(shown.filter((line) => line === 'run').length).toBe(1);
  });
});

import { describe, expect, it } from 'vitest';
import type { Attack } from './attack.js';
import { type Judged, outcomeOf } from './outcome.js';
import type { SoundAnswer } from './sound-hosts.js';
import { soundSummary, tableOf } from './table.js';

const attack: Attack = {
  kind: 'no-port',
  primitive: 'copy',
  place: 'bridge',
  fabric: 'linux',
  receiver: 'port',
  detail: '',
  setup: [],
  undo: [],
  ears: [{ name: 'c', place: '', check: '' }],
  probe: '',
  expect: '',
  due: ['bypass-possible'],
};

function judged(verdict: string | null, reasons: readonly string[], tokens: number, checked = true): Judged {
  const heard = { c: { tokens, offsets: [14], frames: tokens, checked, rx: tokens } };
  return { attack, provider: 'lab', verdict, reasons, heard, refused: null, folder: '' };
}

describe('the table of the adversary', () => {
  it('tells a leak that was found from one that the design allows to stay open, and both from an error', () => {
    const cases = [
      judged('broken', [], 5),
      judged('inconclusive', ['bypass-possible'], 5),
      judged('inconclusive', ['control-missing'], 5),
      judged('holds', [], 5),
      judged('holds', [], 0),
      judged('holds', [], 0, false),
      { ...judged(null, [], 0), refused: 'Warning: big, Error: Unknown device type., exit 2' },
    ];
    const lines = tableOf(cases, { date: '2026-01-02', seed: 3 }).split('\n');
    expect(lines[0]).toMatch(/^7 cases, 0 of them on a host, 2026-01-02, Linux \S+, seed 3\.$/);
    expect(lines[1]).toContain('2 of 4 (50.0 %)');
    expect(lines).toContain('| no-port | 1 | 1 | 1 | 1 | 1 | 1 | 1 |');
    expect(lines.at(-1)).toBe('Not available here: copy (1).');
  });
});

describe('a leak whose token stands beyond what a run searches', () => {
  const deep = (at: number, reasons: readonly string[]): Judged => {
    const { attack: due, ...rest } = judged('inconclusive', reasons, 5);
    const heard = { c: { tokens: 5, offsets: [at], frames: 5, checked: true, rx: 5 } };
    return { ...rest, heard, attack: { ...due, due: 'broken' } };
  };

  it('is found where the run names who may carry frames, and there only', () => {
    expect(outcomeOf(deep(507, ['bypass-possible']))).toBe('found');
    expect(outcomeOf(deep(507, ['control-missing']))).toBe('undecided');
    expect(outcomeOf(deep(506, ['bypass-possible']))).toBe('undecided');
  });
});

describe('the summary of sound hosts', () => {
  const said = (
    name: string,
    verdict: string | null,
    reasons: readonly string[],
    refused: string | null,
  ): SoundAnswer => ({
    name,
    verdict,
    reasons,
    refused,
  });

  it('counts how often each held, and says why not', () => {
    const answers = [
      said('plain', 'holds', [], null),
      said('plain', 'holds', [], null),
      said('bridge', 'holds', [], null),
      said('bridge', 'inconclusive', ['control-missing: one'], null),
      said('bond', null, [], 'Unknown device type'),
    ];
    const [first, ...rest] = soundSummary(answers, '2026-01-02');
    expect(first).toMatch(/^3 of 4 runs hold on 2 sound hosts, 2026-01-02, Linux \S+; 1 more cannot be built there\.$/);
    expect(rest).toEqual(['', '- bridge: 1 of 2 times; else inconclusive; control-missing: one']);
  });
});

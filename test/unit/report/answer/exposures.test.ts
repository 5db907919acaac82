import { describe, expect, it } from 'vitest';
import { terminalReport } from '../../../../src/report/terminal/terminal.js';
import { makePaint } from '../../../../src/report/terminal/layout.js';
import { runsTable } from '../../../../src/report/terminal/runs.js';
import type { Finding, GroupCause, LeakGroup, Result } from '../../../../src/core/model/result.js';
import { exposuresOf } from '../../../../src/report/answer/exposures.js';
import { findings, leakingStep, result, step } from '../../../support/report/fixture.js';

const group = (over: Partial<LeakGroup>): LeakGroup => ({
  cause: 'host-forwards',
  from: ['web'],
  to: ['db'],
  observers: ['db'],
  classes: ['routed-bounce'],
  carriers: ['ipv4-udp'],
  rows: 1,
  sent: 1,
  seen: 1,
  firstSighting: null,
  causes: [],
  ...over,
});
const what = (...exposures: readonly LeakGroup[]): readonly string[] =>
  exposuresOf(result([step('one', { exposures })])).map((exposure) => exposure.what);

describe('what is open by design', () => {
  it('says so where the host routes, whatever the class and whether it translates addresses', () => {
    expect(what(group({}), group({ classes: ['known-unicast'] }), group({ cause: 'nat' }))).toEqual([
      'the host routes between guests',
    ]);
  });

  it('begins with the few guests that the host routes to', () => {
    const flood = group({ cause: 'unknown-flood', classes: ['unknown-unicast'] });
    expect(what(flood, group({ few: true }))).toEqual([
      'the host routes to db, and not to most other guests',
      'unknown unicast floods',
    ]);
  });
});

describe('the fix of what is open by design', () => {
  const caused = (code: GroupCause['code'], fixes: readonly string[]): GroupCause => ({
    ...{ code, places: ['p1'], value: '', text: '', rows: 1 },
    fixes,
  });
  const fixesOf = (...exposures: readonly LeakGroup[]): readonly (readonly string[])[] =>
    exposuresOf(result([step('one', { exposures })])).map(({ fixes }) => fixes);
  const forged = { classes: ['mac-spoof'], cause: 'ageing-zero' } as const;

  it('is for forged sources one of sources, or none', () => {
    const hub = caused('ageing-zero', ['ip link set dev br0 type bridge ageing_time 30000']);
    expect(fixesOf(group({ ...forged, causes: [hub] }))).toEqual([[]]);
    expect(fixesOf(group({ ...forged, causes: [hub, caused('source-unchecked', ['lock p1'])] }))).toEqual([
      ['lock p1'],
    ]);
  });

  it('is for every bridge', () => {
    const flood = (port: string): LeakGroup =>
      group({ cause: 'unknown-flood', classes: ['unknown-unicast'], causes: [caused('unknown-flood', [port])] });
    expect(fixesOf(flood('p1'), flood('p2'))).toEqual([['p1', 'p2']]);
  });
});

describe('the word EXPOSED', () => {
  const fix = { code: 'unknown-flood', places: ['p1.flood'], value: 'on', text: '', rows: 1 } as const;
  const causes = [{ ...fix, fixes: ['bridge link set dev p1 flood off'], cost: 'unknown unicast' }];
  const flood = group({ cause: 'unknown-flood', classes: ['unknown-unicast'], causes });
  const held = (exposures: readonly LeakGroup[]): Result => result([step('gate', { exposures })], { verdict: 'holds' });

  it('brings no fix of its own into a BROKEN whose cause has none', () => {
    const unexplained = { code: 'unexplained', place: 'p1', value: '', text: '', fix: '' } as const;
    const rows = findings('kali2', 'lan', 'raw', { lan: 100, kali3: 100 }).map((row) =>
      row.leak ? { ...row, causes: [unexplained] } : row,
    );
    const run = result([{ ...leakingStep('gate', rows), exposures: [flood] }], { exitCode: 2, asExpected: false });
    const text = terminalReport([{ result: run, dir: null, details: null }], { width: 80, color: false });
    expect(text).toContain('fix     no command is known that ends it');
    expect(text.slice(text.lastIndexOf('\n\n'))).not.toContain('flood off');
  });
  const render = (...runs: readonly Result[]): readonly string[] =>
    terminalReport(
      runs.map((run) => ({ result: run, dir: null, details: null })),
      { width: 80, color: false, ...(runs.length > 1 ? { status: 0 } : {}) },
    )
      .trimEnd()
      .split('\n');

  it('stands in the last line of several runs, and before the one that is', () => {
    const lines = render(held([]), held([flood]));
    expect(lines.at(-1)).toMatch(/^HOLDS, EXPOSED: 2 runs: 2 HOLDS, of these 1 is EXPOSED; exit status 0/);
    expect(lines.at(-2)).toMatch(/^HOLDS, EXPOSED /);
  });

  it('claims known unicast only of those that were asked', () => {
    const rows = (from: string, to: string) => findings(from, to, 'raw', { a: 0, b: 0, c: 0 }, { leak: false });
    const closing = (asked: readonly Finding[]): string =>
      render(result([step('gate', { exposures: [flood], findings: asked })], { verdict: 'holds' })).join(' ');
    expect(closing(rows('a', 'b'))).toContain('HOLDS: known unicast between a and b is private.');
    expect(closing([...rows('a', 'b'), ...rows('b', 'c')])).toContain('known unicast between 3 endpoints is private.');
  });

  it('begins a run, whose last lines have the fix with its price', () => {
    const lines = render(held([flood]));
    expect(lines[0]).toMatch(/^HOLDS, EXPOSED {2}wireshark-experiment/);
    const text = lines.join('\n');
    expect(text).toContain(
      '  fix     bridge link set dev p1 flood off\n          ends: unknown unicast floods; costs: unknown unicast',
    );
  });

  it('has a fix of several things once, in one line that can be copied', () => {
    const ports = Array.from({ length: 9 }, (_, at) => `tap${at}`);
    const fixes = [`for dev in ${ports.join(' ')}; do bridge link set dev "$dev" bcast_flood off; done`];
    const of = (name: string): LeakGroup =>
      group({ cause: 'group-flood', classes: [name], causes: [{ ...fix, code: 'group-flood', fixes, cost: 'ARP' }] });
    const text = render(held([of('broadcast'), of('multicast')])).join('\n');
    expect(text.split(`     fix  ${fixes.join()}\n          costs: ARP\n`)).toHaveLength(2);
    expect(text).toContain('\n     fix  as above\n');
  });

  it('is not cut off by what limits the word', () => {
    const guests = Array.from({ length: 40 }, (_, at) => `${'x'.repeat(at + 1)}-guest`);
    const readers = guests.map((name, pid) => ({ name, pid, where: 'br0' }));
    const run = { ...held([flood]), steps: [step('gate', { exposures: [flood], readers })] };
    const closing = render(run).slice(-12).join(' ');
    expect(closing).toContain('… EXPOSED: 1 thing any guest can try');
  });

  it('is the word of its line in a table of runs', () => {
    const table = runsTable([{ result: held([flood]), dir: 'evidence/a', details: null }], makePaint(false));
    expect(table).toMatch(/^HOLDS, EXPOSED {2}\S.* {2}evidence\/a\n$/);
  });
});

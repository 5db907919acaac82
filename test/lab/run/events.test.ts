// @module-tag alike: frames decide these tests, whoever runs them.
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { disturbed, type Lab } from '../../support/lab/disturbed.js';
import { type LabRun, program, runLab, threeOn, top } from '../../support/lab/program.js';
import { patient } from '../../support/patient.js';

describe('a firewall that is reloaded while probes go on', () => {
  let run: LabRun;
  beforeAll(async () => {
    run = await runLab(join(top, 'scenarios/events/firewall-reload.yml'));
  }, patient(300_000));

  it('opens nothing in one transaction, and a window from flush to load', () => {
    const [atomic, naive] = run.result.steps;
    expect(atomic).toMatchObject({ verdict: 'holds', reasons: [], asExpected: true });
    expect(atomic?.events?.map(({ commands }) => commands)).toEqual([
      [['nft', '-f', 'rules.nft']],
      [['nft', '-f', 'rules.nft']],
    ]);
    expect(naive).toMatchObject({ verdict: 'broken', reasons: [], asExpected: true });
    const [flush, load] = naive?.events ?? [];
    const windows = naive?.findings.filter(({ leak }) => leak).flatMap(({ windows: reported }) => reported ?? []) ?? [];
    expect(windows.length).toBeGreaterThanOrEqual(2); // raw and UDP
    for (const window of windows) {
      // The timeline counts whole ms
      expect(window.fromMs).toBeGreaterThanOrEqual((flush?.fromMs ?? Infinity) - 1);
      expect(window.toMs).toBeLessThanOrEqual((load?.toMs ?? 0) + 1);
    }
    const frames = windows.reduce((sum, window) => sum + window.frames, 0);
    expect(frames).toBe(naive?.findings.filter(({ leak }) => leak).reduce((sum, { seen }) => sum + seen, 0));
    expect(frames).toBeGreaterThan(0);
  });

  it('comes to the same windows when it is judged again', async () => {
    const again = await program(['replay', run.dir, '--json']);
    expect(JSON.parse(again.stdout)).toEqual(run.result);
  });
});

describe('settings while a step with an event probes', () => {
  const eventful = (event: string): string =>
    threeOn(
      '{ ageing_time: 30s }',
      `  - { name: s, probe: { class: known-unicast, from: a, to: b, count: 200 }, during: [ ${event} ], expect: private }`,
    );
  const flood = ['ip', 'link', 'set', 'dev', 'p2', 'type', 'bridge_slave', 'flood', 'off'] as const;
  const early = eventful(`{ at: 300ms, run: ["${flood.join(' ')}"] }`);
  /** An event that a stranger is before, however busy the machine. */
  const last = eventful('{ at: 4s, run: ["nft add table bridge late"] }');
  const late = eventful('{ at: 1s, run: ["nft add table bridge late"] }');
  const begun = '"event":"probing"';
  /** The state was read when the event was over. */
  const over = '"reading":2';
  const nobody = (): void => undefined;
  const stranger =
    (...argv: readonly string[]) =>
    ({ inside }: Lab): void =>
      inside(...argv);
  const goesOn = (settle: string): string =>
    eventful(
      `{ at: 300ms, run: [["sh", "-c", "(sleep 0.8; ${flood.join(' ')}) > /dev/null 2>&1 < /dev/null &"]]${settle} }`,
    );

  const expected = '%s: holds';
  const hold = async (_: string, file: string): Promise<void> => {
    const { status, result } = await disturbed({ file, when: begun, act: nobody, args: ['--allow-run'] });
    expect([status, result.verdict, result.steps[0]?.reasons]).toEqual([0, 'holds', []]);
  };
  it.concurrent.each([['that the event changes', early]] as const)(expected, { timeout: patient(300_000) }, hold);
  it.concurrent.each([
    ['that an event changes whose work goes on after its command, as it says', goesOn(', settle: 2s')],
  ] as const)(expected, { tags: 'all', timeout: patient(300_000) }, hold);

  const after = ', when event 1 was over; if its work goes on after its commands, give it `settle`';
  type Change = readonly [what: string, file: string, when: string, act: (lab: Lab) => void, text: RegExp];
  const changes: readonly Change[] = [
    ['that somebody changes before the event', last, begun, stranger(...flood), /^p2: flood was true, is false$/],
    [
      'that somebody changes when it is over',
      late,
      over,
      stranger(...flood),
      new RegExp(`^p2: flood was true, is false${after}$`),
    ],
    [
      'that somebody puts back when it is over',
      early,
      over,
      stranger(...flood.slice(0, -1), 'on'),
      new RegExp(`^p2: flood was false, is true${after}$`),
    ],
    [
      'rules that somebody adds when it is over',
      early,
      over,
      stranger('nft', 'add', 'table', 'bridge', 'strange'),
      new RegExp(`^the nft rules changed, by process \\d+ \\(nft\\)${after}$`),
    ],
    [
      'that an event changes whose work goes on after its command, and does not say so',
      goesOn(''),
      begun,
      nobody,
      new RegExp(`^p2: flood was true, is false${after}$`),
    ],
  ];
  const title = '%s: is inconclusive, never holds';
  const change = async (...[_, file, when, act, text]: Change): Promise<void> => {
    const { status, result } = await disturbed({ file, when, act, args: ['--allow-run'] });
    expect([status, result.verdict, result.steps[0]?.reasons]).toEqual([
      3,
      'inconclusive',
      [expect.objectContaining({ code: 'settings-changed', text: expect.stringMatching(text) })],
    ]);
  };
  it.concurrent.each(changes.slice(0, 1))(title, { timeout: patient(300_000) }, change);
  it.concurrent.each(changes.slice(1))(title, { tags: 'all', timeout: patient(300_000) }, change);
});

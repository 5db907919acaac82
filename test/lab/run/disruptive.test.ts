// @module-tag alike: frames decide these tests, whoever runs them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ProbeClassName } from '../../../src/core/model/scenario.js';
import { disruptiveClasses } from '../../../src/core/probe/classes.js';
import type { HostState } from '../../../src/core/model/state.js';
import { descendants } from '../../support/lab/processes.js';
import { enteredIn, type Entered, maxWithin } from '../../support/lab/entered.js';
import {
  fresh,
  type LabRun,
  rows,
  runLab,
  startProgram,
  untilEvent,
  writeScenario,
} from '../../support/lab/program.js';
import { patient } from '../../support/patient.js';
import { there } from '../../support/there.js';

const victim = { mac: '52:54:00:00:00:0b', port: 'p1' };
const topology = `version: 1
name: disruptive
allow_disruptive: true
topology:
  provider: lab
  bridges: { br0: { address: 10.9.0.250/24 } }
  endpoints:
    a: { bridge: br0, port: p0, mac: "52:54:00:00:00:0a", ip: [ 10.9.0.1/24, "fd00::1/64" ] }
    b: { bridge: br0, port: ${victim.port}, mac: "${victim.mac}", ip: [ 10.9.0.2/24, "fd00::2/64" ] }
    c: { bridge: br0, port: p2, mac: "52:54:00:00:00:0c", ip: [ 10.9.0.3/24, "fd00::3/64" ] }
    lan: { bridge: br0, port: eth9, mac: "00:11:22:33:44:55", ip: [ 10.9.0.200/24, "fd00::200/64" ], role: uplink }
steps:
`;
const scenario = (steps: string): string => writeScenario(`${topology}${steps}`);

/**
 * More at once than one frame each 1/rate s: what a helper may make up for after 2 ms of delay, what the kernel may stamp
 * as much later on a busy machine, and the frame that begins the window.
 */
const madeUpFor = (rate: number): number => 1 + 2 * Math.ceil(rate * 0.002);
const rate = 200;
const toOf = (name: ProbeClassName): string => {
  if (name === 'gateway-steal') return 'to: lan, via: c, ';
  return ['igmp-query', 'stp-root'].includes(name) ? '' : 'to: b, ';
};
const moreOf = (name: ProbeClassName): string => {
  if (name === 'igmp-query') return 'group: 239.1.1.1, ';
  return name === 'stp-root' ? '' : 'count: 80, ';
};

describe('disruptive probes on the wire', () => {
  let run: LabRun;
  let entered: readonly Entered[] = [];
  const stepOf = (name: ProbeClassName): number => disruptiveClasses.indexOf(name) * 2;
  const stateAfter = (step: number): HostState =>
    JSON.parse(readFileSync(join(run.dir, 'state', `${step + 1}-after.json`), 'utf8')) as HostState;
  beforeAll(async () => {
    // After each attack its victims are spoken to, without having announced themselves again.
    const steps = disruptiveClasses
      .map(
        (
          name,
        ) => `  - { name: ${name}, probe: { class: ${name}, from: a, ${toOf(name)}${moreOf(name)}rate: ${rate} }, expect: unjudged }
  - { name: after ${name}, learn: none, probe: [ { class: known-unicast, from: lan, to: b, count: 20 }, { class: known-unicast, from: c, to: lan, count: 20 } ], expect: private }\n`,
      )
      .join('');
    run = await runLab(
      scenario(
        `${steps}  - { name: without a rate, probe: { class: mac-flood, from: a, to: b, count: 1500 }, expect: unjudged }\n`,
      ),
    );
    entered = await enteredIn(run.dir);
  }, patient(300_000));

  it.each(disruptiveClasses)('%s keeps to its rate, however many flows it has', (name) => {
    const frames = entered.filter(({ step }) => step === stepOf(name));
    const planned = [...new Set(frames.map(({ flow }) => flow))].reduce((sum, { count }) => sum + count, 0);
    expect(frames).toHaveLength(planned);
    expect(planned).toBeGreaterThanOrEqual(name === 'stp-root' ? 1 : 80);
    for (const windowMs of [50, 250, 1000])
      expect(maxWithin(frames, windowMs), `${windowMs} ms`).toBeLessThanOrEqual(
        (rate * windowMs) / 1000 + madeUpFor(rate),
      );
  });

  it('go at 1,000 a second where the scenario says no rate', () => {
    const frames = entered.filter(({ step }) => step === disruptiveClasses.length * 2);
    expect(frames.length).toBeGreaterThan(1500);
    for (const windowMs of [50, 250, 1000])
      expect(maxWithin(frames, windowMs), `${windowMs} ms`).toBeLessThanOrEqual(windowMs + madeUpFor(1000));
  });

  it.each(['mac-steal', 'gateway-steal'] as const)(
    "%s: the thief is handed what is the owner's, and at the end the bridge has the owner at its own port again",
    (name) => {
      const owner = name === 'mac-steal' ? victim : { mac: '00:11:22:33:44:55', port: 'eth9' };
      expect(
        Math.min(...rows(run.result, { step: stepOf(name), observer: 'a' }).map(({ seen }) => seen)),
      ).toBeGreaterThan(0);
      const entries = stateAfter(stepOf(name)).fdb.filter(({ mac, master }) => mac === owner.mac && master === 'br0');
      expect(entries.map(({ port }) => port)).toEqual([owner.port]);
    },
  );

  it.each(disruptiveClasses)('after %s its victims are reached as before, and nobody else is', (name) => {
    const step = run.result.steps[stepOf(name) + 1];
    expect({ name: step?.name, verdict: step?.verdict, reasons: step?.reasons }).toEqual({
      name: `after ${name}`,
      verdict: 'holds',
      reasons: [],
    });
  });

  it.each(['mac-steal', 'arp-spoof', 'ra-spoof'] as const)(
    '%s ends with words of the owner, which speak for all its addresses',
    (name) => {
      const last = entered
        .filter(({ step }) => step === stepOf(name))
        .slice(name === 'ra-spoof' ? -6 : -3)
        .map(
          ({ flow }) =>
            `${flow.sender} ${flow.frame.form ?? flow.frame.carrier} ${flow.frame.srcMac} ${flow.frame.srcIp ?? ''}`,
        );
      expect([...new Set(last)]).toEqual([
        ...(name === 'ra-spoof' ? [`b neighbour-advertisement ${victim.mac} fd00::2`] : []),
        `b arp ${victim.mac} 10.9.0.2`,
      ]);
    },
  );
});

describe('an attack that does not come to its end', () => {
  const long = (): string =>
    scenario(
      '  - { name: theft, probe: { class: mac-steal, from: a, to: b, carriers: raw, count: 20000, rate: 100 }, expect: unjudged }\n',
    );

  async function cutShort(how: (run: { readonly pid: number; interrupt(): void }) => void): Promise<{
    readonly status: number | null;
    readonly tookMs: number;
    readonly entered: readonly Entered[];
    readonly result: string;
  }> {
    const dir = fresh('evidence');
    const { child, ended } = startProgram(['run', long(), '--out', dir, '--quiet']);
    await untilEvent(dir, 'sent', patient(300_000)); // the thief has claimed the MAC, and others talk
    const began = performance.now();
    how({ pid: child.pid ?? 0, interrupt: () => child.kill('SIGINT') });
    const { status } = await ended;
    return {
      status,
      tookMs: performance.now() - began,
      entered: await enteredIn(dir),
      result: readFileSync(join(dir, 'result.json'), 'utf8'),
    };
  }
  const thiefLast = (probes: readonly Entered[]): number =>
    Math.max(...probes.filter(({ flow }) => flow.sender === 'a').map(({ atMs }) => atMs));

  it(
    'by SIGINT: ends within seconds, though its rate is low, and the owner has the last word',
    async () => {
      const { status, tookMs, entered, result } = await cutShort(({ interrupt }) => interrupt());
      expect(status).toBe(130);
      expect(tookMs).toBeLessThan(patient(10_000));
      expect(entered.slice(-3).map(({ flow }) => [flow.sender, flow.purpose])).toEqual(Array(3).fill(['b', 'restore']));
      expect(entered.at(-1)?.atMs ?? 0).toBeGreaterThan(thiefLast(entered));
      expect(result).toContain('"interrupted"');
    },
    patient(300_000),
  );

  it('because the helper that sends was killed: another one lets the owner have the last word', {
    tags: 'all',
    timeout: patient(300_000),
  }, async () => {
    const { status, entered, result } = await cutShort(({ pid }) =>
      process.kill(there(descendants(pid).find(({ command }) => /helper\.cjs send /.test(command))).pid, 'SIGKILL'),
    );
    expect(status).toBe(3);
    expect(entered.slice(-3).map(({ flow }) => [flow.sender, flow.purpose])).toEqual(Array(3).fill(['b', 'restore']));
    expect(entered.at(-1)?.atMs ?? 0).toBeGreaterThan(thiefLast(entered));
    expect(result).not.toContain('could not announce itself');
  });
});

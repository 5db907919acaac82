// @module-tag alike: frames decide these tests, whoever runs them.
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { fresh, type LabRun, program, runLab } from '../../support/lab/program.js';
import { patient } from '../../support/patient.js';

/** 26 guests, each probing every other with two frames: 15,600 leaking rows, 1,200 leaked frames at each. */
const guests = 26;
const rowsOfObserver = (guests - 1) * (guests - 2);

describe('a hub that leaks more than is written down one by one', () => {
  let run: LabRun;
  beforeAll(async () => {
    const file = fresh('hub.yml');
    writeFileSync(
      file,
      `version: 1
name: hub
topology:
  provider: lab
  bridges: { br0: { ageing_time: 0, mcast_snooping: off } }
  generate: [ { count: ${guests}, name: "g{}", bridge: br0, port: "p{}" } ]
steps:
  - name: every guest to every other
    learn: all
    probe: [ { class: known-unicast, from: "*", to: "*", count: 2, carriers: [raw] } ]
    expect: leak
`,
    );
    run = await runLab(file);
  }, patient(300_000));

  it('is told whole: rows up to ten thousand, the rest folded, and who hears whom by cause', () => {
    const [step] = run.result.steps;
    const leaks = step?.findings.filter(({ leak }) => leak) ?? [];
    expect(leaks.filter(({ grouped }) => grouped === undefined)).toHaveLength(10_000);
    expect(leaks.reduce((sum, { grouped = 1 }) => sum + grouped, 0)).toBe(guests * rowsOfObserver);
    expect(leaks.reduce((sum, { seen }) => sum + seen, 0)).toBe(2 * guests * rowsOfObserver);
    const [group, ...others] = step?.groups ?? [];
    expect(others).toEqual([]);
    expect(group).toMatchObject({
      cause: 'ageing-zero',
      rows: guests * rowsOfObserver,
      sent: 2 * guests * rowsOfObserver,
      seen: 2 * guests * rowsOfObserver,
    });
    expect([group?.from.length, group?.to.length, group?.observers.length]).toEqual([guests, guests, guests]);
    const [hub] = group?.causes ?? [];
    expect(hub).toMatchObject({
      rows: guests * rowsOfObserver,
      fixes: ['ip link set dev br0 type bridge ageing_time 30000'],
    });
  });

  it('keeps the first thousand leaked frames at each observer, and counts the others', () => {
    expect(run.result.evidence.discarded).toBe(guests * (2 * rowsOfObserver - 1000));
    expect(statSync(join(run.dir, 'evidence.pcapng')).size).toBeLessThan(10 * 2 ** 20);
  });

  it('comes to the same when it is judged again, and is found whole', async () => {
    const replayed = await program(['replay', run.dir, '--json']);
    expect(JSON.parse(replayed.stdout)).toEqual(run.result);
    expect(await program(['check', run.dir])).toMatchObject({ status: 0 });
  });

  it('is answered in 24 lines', async () => {
    const { stdout } = await program(['replay', run.dir]);
    expect(stdout.trimEnd().split('\n').length).toBeLessThanOrEqual(60);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
      "26 of 26 guests receive each other's traffic (31,200 of 31,200 copies): br0 is a hub (ageing_time 0)",
    );
  });
});

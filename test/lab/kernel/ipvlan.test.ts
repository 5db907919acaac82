import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeOnKernelWith } from '../../support/lab/features.js';
import { fresh, runLab, top } from '../../support/lab/program.js';
import { barriersIn, causesIn } from '../../support/lab/result-parts.js';
import { patient } from '../../support/patient.js';

const scenario = (mode: string): string => `version: 1
name: ipvlan
topology:
  bridges: { lan0: {} }
  endpoints:
    hv: { bridge: lan0, port: sw0 }
    lan: { bridge: lan0, port: sw1, ip: 192.168.7.1/24, role: uplink }
    web: { bridge: lan0, attach: ipvlan, lower: hv, ${mode}, ip: 192.168.7.11/24 }
    db: { bridge: lan0, attach: ipvlan, lower: hv, ${mode}, ip: 192.168.7.12/24 }
    dns: { bridge: lan0, attach: ipvlan, lower: hv, ${mode}, ip: 192.168.7.13/24 }
steps:
  - name: what one sends another reaches nobody else
    probe: [ { class: known-unicast, from: web, to: db, both_ways: true, count: 10MUST } ]
    expect: private
  - name: they are kept apart
    probe: [ { class: known-unicast, from: [web, db], to: [web, db, dns], count: 10 } ]
    expect: separated
`;

describeOnKernelWith(['ipvlan'], 'guests on one lower device by ipvlan', () => {
  it.each([
    ['mode: l2', '', ['holds', 'broken']],
    ['mode: l3, flag: bridge', '', ['holds', 'broken']],
    ['mode: l2, flag: vepa', ', must_see: []', ['holds', 'holds']],
  ])(
    'reach each other as %s lets them, and what one gets no other gets',
    async (mode, must, verdicts) => {
      const file = fresh('ipvlan.yml');
      writeFileSync(file, scenario(mode).replace('MUST', must));
      const { result, stderr } = await runLab(file);
      expect(
        result.steps.map(({ verdict }) => verdict),
        `${stderr}\n${JSON.stringify(result.steps.map(({ reasons, groups, held }) => ({ reasons, groups, held })))}`,
      ).toEqual(verdicts);
      const [first, second] = result.steps;
      const causes = (second?.groups ?? []).flatMap((group) => group.causes);
      const barriers = (first?.held ?? []).flatMap((held) => held.barriers.map(({ code }) => code));
      expect(barriers).toContain('macvlan-address');
      expect(new Set(causes.map(({ code }) => code))).toEqual(
        new Set(verdicts[1] === 'broken' ? ['macvlan-bridge'] : []),
      );
    },
    patient(300_000),
  );

  it(
    'are kept apart by flag private, which drops at the sender: that it entered its device is heard there',
    async () => {
      const file = fresh('ipvlan.yml');
      writeFileSync(file, scenario('mode: l2, flag: private').replace('MUST', ', must_see: []'));
      const { result, stderr } = await runLab(file);
      const reasons = result.steps.flatMap((step) => step.reasons);
      expect([result.verdict, reasons, new Set(barriersIn(result))], stderr).toEqual([
        'holds',
        [],
        new Set(['macvlan-apart', 'macvlan-address', 'learned-entry']),
      ]);
    },
    patient(300_000),
  );

  it(
    'are not proved in mode l3s, where what comes in passes no interface of a guest; what they send each other is seen',
    async () => {
      const file = fresh('ipvlan.yml');
      writeFileSync(file, scenario('mode: l3s').replace('MUST', ''));
      const { result, stderr } = await runLab(file);
      expect(
        result.steps.map(({ verdict }) => verdict),
        stderr,
      ).toEqual(['inconclusive', 'broken']);
      const [reason] = result.steps[0]?.reasons ?? [];
      expect(reason).toMatchObject({
        code: 'control-missing',
        text: expect.stringContaining('in mode l3s the kernel'),
      });
    },
    patient(300_000),
  );

  it(
    'come out as scenarios/ipvlan.yml says, with the cause of each leak',
    async () => {
      const { status, result, stderr } = await runLab(join(top, 'scenarios/ipvlan.yml'));
      expect([status, result.steps.map(({ verdict }) => verdict)], stderr).toEqual([
        0,
        ['holds', 'broken', 'holds', 'broken', 'holds'],
      ]);
      expect(result.steps.flatMap(({ reasons }) => reasons)).toEqual([]);
      expect(new Set(causesIn(result).map(({ code }) => code))).toEqual(new Set(['macvlan-bridge']));
      const [everybody] = result.steps[3]?.groups ?? [];
      expect([everybody?.observers, everybody?.causes.map(({ places }) => places)]).toEqual([['ftp'], [['hv2']]]);
      const held = result.steps[4]?.held?.flatMap(({ barriers }) => barriers.map(({ code }) => code));
      expect(new Set(held)).toEqual(new Set(['macvlan-apart']));
    },
    patient(300_000),
  );
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LowerGuests, lowerGuests } from '../../../support/lab/hosts/lower-guests.js';
import { barriersIn, causesIn, fixesIn } from '../../../support/lab/result-parts.js';
import { describeOnKernelWith } from '../../../support/lab/features.js';
import type { WholeHost } from '../../../support/lab/whole-host.js';
import { root } from '../../../support/needs.js';
import { patient } from '../../../support/patient.js';

const timeout = patient(300_000);

describeOnKernelWith(
  ['ipvlan'],
  'guests of a host on one lower device by ipvlan',
  () => {
    let lower: LowerGuests;
    let host: WholeHost;
    const setMode = (words: string): void => void lower.inside(1, `ip link set dev eth0 type ipvlan mode ${words}`);
    beforeAll(() => {
      lower = lowerGuests((n) => ({ name: `iv${n}`, words: 'type ipvlan mode l2' }));
      host = lower.host;
    }, timeout);
    afterAll(() => lower.close());

    it(
      'are examined without a file, each as a sender, and hold in mode l2 where each gets its own',
      async () => {
        const init = await host.run(['init']);
        expect(init.stdout, init.stderr).toMatch(/attach: ipvlan/);
        const { status, text, result } = await host.judge('holds');
        expect([status, result.verdict], text).toEqual([0, 'holds']);
        expect(text).toContain('HOLDS: known unicast between 3 guests is private. EXPOSED: 1 thing any guest can');
        expect(text).not.toContain('not examined');
        expect([result.coverage.complete, result.coverage.ports]).toEqual([true, 3]);
        const delivered = result.steps.flatMap(({ findings }) =>
          findings.filter(({ allowed, observer, to }) => allowed === 'must' && observer === to),
        );
        expect(delivered).toHaveLength(6);
        expect(delivered.every(({ seen, sent }) => seen === sent)).toBe(true);
        expect(barriersIn(result)).toContain('macvlan-address');
      },
      timeout,
    );

    it(
      'are held to a policy by a file, until the flag that is the fix keeps it; their addresses are those inside',
      async () => {
        const file = join(host.dir, 'policy.yml');
        const guest = (n: number): string =>
          `{ bridge: up0, attach: ipvlan, port: eth0, netns: /proc/${lower.tenants[n - 1]?.pid}/ns/net, zone: z${n} }`;
        writeFileSync(
          file,
          `version: 1
name: policy
topology:
  provider: host
  bridges: { up0: { kind: lower } }
  endpoints: { web: ${guest(1)}, db: ${guest(2)}, dns: ${guest(3)} }
policy:
  - { from: "zone:*", to: "zone:*", expect: separated }
`,
        );
        const broken = await host.judge('policy-broken', file);
        expect([broken.status, broken.result.verdict], broken.text).toEqual([2, 'broken']);
        const causes = causesIn(broken.result);
        expect(new Set(causes.map(({ code }) => code))).toEqual(new Set(['macvlan-bridge']));
        const fixes = fixesIn(broken.result);
        expect(fixes).toEqual([
          `nsenter --net=/proc/${lower.tenants[0]?.pid}/ns/net ip link set dev eth0 type ipvlan mode l2 private`,
        ]);
        // What is advised is what a shell takes
        host.sh(fixes.join('\n'));
        const kept = await host.judge('policy-kept', file);
        expect([kept.status, kept.result.verdict], kept.text).toEqual([0, 'holds']);
        expect(barriersIn(kept.result)).toContain('macvlan-apart');
      },
      timeout,
    );

    it(
      'are BROKEN with flag private, which broadcast passes, and hold in mode l3, where there is none',
      async () => {
        setMode('l2 private');
        const apart = await host.judge('private');
        expect([apart.status, apart.result.verdict], apart.text).toEqual([2, 'broken']);
        const groups = apart.result.steps.flatMap((step) => step.groups ?? []);
        expect(groups.flatMap(({ causes }) => causes.map(({ code }) => code))).toEqual(['macvlan-bridge']);
        const leaks = apart.result.steps.flatMap(({ findings }) => findings.filter(({ leak }) => leak));
        expect(new Set(leaks.map((row) => row.class))).toEqual(new Set(['broadcast']));
        setMode('l3 bridge');
        const routed = await host.judge('l3');
        expect([routed.status, routed.result.verdict], routed.text).toEqual([0, 'holds']);
        expect(new Set(barriersIn(routed.result))).toEqual(new Set(['macvlan-address', 'macvlan-apart']));
      },
      timeout,
    );
  },
  root,
);

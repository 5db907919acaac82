import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { needs, root } from '../../../support/needs.js';
import { patient } from '../../../support/patient.js';
import { macOfGuest, wholeHost } from '../../../support/lab/whole-host.js';

const fileOf = (probe: string): string => `version: 1
name: listed
topology:
  provider: host
  bridges: { br0: {} }
  endpoints:
${[1, 2, 3, 4].map((n) => `    v${n}: { bridge: br0, port: v${n}, mac: "${macOfGuest(n)}" }`).join('\n')}
steps:
  - { name: s, probe: { class: known-unicast, ${probe}, count: 5 }, expect: private }
`;

describe('guests of a file', { ...needs(root), timeout: patient(120_000) }, () => {
  const host = wholeHost(4);
  afterAll(host.close);
  const judge = (name: string, probe: string, script: string) => {
    host.sh(script);
    writeFileSync(join(host.dir, `${name}.yml`), fileOf(probe));
    return host.judge(name, `${name}.yml`);
  };

  it('that the bridge has not learned are asked as unknown unicast, to which all are exposed', async () => {
    const forget = `bridge fdb del ${macOfGuest(2)} dev v2 master`;
    const { status, text, result } = await judge('unlearned', 'from: v1, to: [v2, v3]', forget);
    expect([status, result.verdict], text).toEqual([0, 'holds']);
    const exposed = result.steps.flatMap(({ exposures = [] }) => exposures);
    expect(exposed.map(({ classes, from, observers }) => [classes, from, observers])).toEqual([
      [['unknown-unicast'], ['v1'], ['v3', 'v4']],
    ]);
    expect(text).toContain(`v2: br0 does not know ${macOfGuest(2)}. Frames to it are tested as unknown unicast`);
    const rows = result.steps.flatMap(({ findings }) => findings);
    expect(rows.find(({ observer, class: name }) => observer === 'v2' && name === 'unknown-unicast')).toMatchObject({
      seen: 5,
      leak: false,
    });
  });

  it('are BROKEN if the bridge may not learn them', { tags: 'all' }, async () => {
    const { status, text, result } = await judge(
      'unlearning',
      'from: v1, to: [v2, v3]',
      `bridge link set dev v2 learning off; bridge fdb del ${macOfGuest(2)} dev v2 master || :`,
    );
    expect([status, result.verdict], text).toEqual([2, 'broken']);
    host.sh(`bridge link set dev v2 learning on; bridge fdb replace ${macOfGuest(2)} dev v2 master dynamic`);
  });

  it('that have no carrier are named and not asked; the others are judged', async () => {
    const { status, text, result } = await judge('shut', 'from: "*", to: "*"', 'ip link set v4 down');
    expect([status, result.verdict], text).toEqual([0, 'holds']);
    expect(text).toContain('v4: "v4": the interface is down: it is not asked');
    expect(result.observedOnly).toEqual({ guests: ['v4'], of: 4 });
    const rows = result.steps.flatMap(({ findings }) =>
      findings.flatMap(({ from, to, observer }) => [from, to, observer]),
    );
    expect([rows.includes('v3'), rows.includes('v4')]).toEqual([true, false]);
    host.sh('ip link set v4 up');
  });
});

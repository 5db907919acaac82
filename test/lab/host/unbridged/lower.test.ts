import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LowerGuests, lowerGuests, macvlanOf } from '../../../support/lab/hosts/lower-guests.js';
import { barriersIn, causesIn, fixesIn } from '../../../support/lab/result-parts.js';
import type { WholeHost } from '../../../support/lab/whole-host.js';
import { kernel } from '../../../support/lab/features.js';
import { needs, root } from '../../../support/needs.js';
import { patient } from '../../../support/patient.js';

const numbers = [1, 2, 3];

describe('guests on a lower device', { ...needs(root, kernel('macvlan')), timeout: patient(300_000) }, () => {
  let lower: LowerGuests;
  let host: WholeHost;
  const modes = (mode: string): void => {
    for (const n of numbers) lower.inside(n, `ip link set dev eth0 type macvlan mode ${mode}`);
  };
  beforeAll(() => {
    lower = lowerGuests(macvlanOf);
    host = lower.host;
    lower.outside('ip link add sw0 type bridge forward_delay 0; ip link set sw0 up; ip link set far0 master sw0 up');
  });
  afterAll(() => lower.close());

  /** A program that reads what a macvtap hands to its machine, into a file. */
  function machineAt(n: number): { readonly pid: number; readonly file: string } {
    const [node, file] = [join(host.dir, `tap${n}`), join(host.dir, `tap${n}.frames`)];
    // The number of its character device stands in the sysfs of its namespace
    host.sh(
      `unshare --mount sh -ec 'mount -t sysfs sysfs /mnt; set -- /mnt/class/net/tap${n}/macvtap/tap*/dev; IFS=: read -r major minor <"$1"; mknod ${node} c $major $minor'`,
    );
    // It is opened in the namespace of the device
    host.sh(`cat ${node} </dev/null >${file} 2>/dev/null & echo $! >${node}.pid`);
    return { pid: Number(readFileSync(`${node}.pid`, 'utf8')), file };
  }

  it('are examined without a file, each as a sender, and hold in mode bridge where each gets its own', async () => {
    const init = await host.run(['init']);
    expect(init.stdout).toMatch(/up0:\n {6}kind: lower/);
    expect(init.stdout).toContain('3 in mode bridge; that those in mode bridge reach each other is no fault here');
    const { status, text, result } = await host.judge('holds');
    expect([status, result.verdict], text).toEqual([0, 'holds']);
    expect(text).toContain('HOLDS: known unicast between 3 guests is private. EXPOSED: 1 thing any guest can');
    expect(text).toMatch(/Out of the NIC: \d+ of them/);
    expect(text).not.toContain('not examined');
    expect([result.coverage.complete, result.coverage.ports]).toEqual([true, 3]);
    const delivered = result.steps.flatMap(({ findings }) =>
      findings.filter(({ allowed, observer, to }) => allowed === 'must' && observer === to),
    );
    expect(delivered).toHaveLength(12);
    expect(delivered.every(({ seen, sent }) => seen === sent)).toBe(true);
    const barriers = barriersIn(result);
    expect(new Set(barriers)).toEqual(new Set(['macvlan-address']));
  });

  it('are held to a policy by a file that names their interfaces and zones, until the fix keeps it', {
    tags: 'all',
  }, async () => {
    const file = join(host.dir, 'policy.yml');
    const pid = (n: number): string => `/proc/${lower.tenants[n - 1]?.pid}/ns/net`;
    writeFileSync(
      file,
      `version: 1
name: policy
topology:
  provider: host
  bridges: { up0: { kind: lower } }
  endpoints:
    web: { bridge: up0, port: eth0, netns: ${pid(1)}, zone: red }
    db: { bridge: up0, port: eth0, netns: ${pid(2)}, zone: blue }
    dns: { bridge: up0, port: eth0, netns: ${pid(3)}, zone: red }
policy:
  - { from: "zone:*", to: "zone:*", expect: separated }
`,
    );
    const broken = await host.judge('policy-broken', file);
    expect([broken.status, broken.result.verdict], broken.text).toEqual([2, 'broken']);
    const causes = causesIn(broken.result);
    expect(new Set(causes.map(({ code }) => code))).toEqual(new Set(['macvlan-bridge']));
    const fixes = fixesIn(broken.result);
    expect(fixes).toContain(`nsenter --net=${pid(2)} ip link set dev eth0 type macvlan mode private`);
    // What is advised is what a shell takes
    host.sh(fixes.join('\n'));
    const kept = await host.judge('policy-kept', file);
    expect([kept.status, kept.result.verdict], kept.text).toEqual([0, 'holds']);
    const barriers = barriersIn(kept.result);
    expect(barriers).toContain('macvlan-apart');
  });

  it('hold in mode private, and are BROKEN where the switch beyond sends frames back', { tags: 'all' }, async () => {
    modes('private');
    const { status, text, result } = await host.judge('private');
    expect([status, result.verdict], text).toEqual([0, 'holds']);
    expect(text).not.toContain('EXPOSED');
    lower.outside('bridge link set dev far0 hairpin on');
    const back = await host.judge('back');
    lower.outside('bridge link set dev far0 hairpin off');
    expect([back.status, back.result.verdict], back.text).toEqual([2, 'broken']);
    const causes = causesIn(back.result);
    expect(causes.map(({ code }) => code)).toContain('macvlan-bridge');
    expect(back.text).toContain('frames come back to up0 from the switch beyond it');
  });

  it('are machines with a macvtap too, and BROKEN where a rule of tc copies to one what is for another', {
    ...needs(kernel('macvtap')),
    tags: 'all',
  }, async () => {
    host.sh('ip link add up1 type veth peer name far1; ip link set up1 up; ip link set far1 up');
    for (const n of numbers)
      host.sh(
        `ip link add link up1 name tap${n} address 52:54:00:00:03:0${n} type macvtap mode bridge; ip link set tap${n} up`,
      );
    const machines = numbers.map(machineAt);
    const { status, text, result } = await host.judge('machines', '--bridge', 'up1');
    expect([status, result.verdict], text).toEqual([0, 'holds']);
    expect(text).toContain('known unicast between 3 guests is private');
    // What packet sockets heard was handed to the machines: each read frames of the run, which carry its mark
    for (const { file } of machines) expect(readFileSync(file).length).toBeGreaterThan(10 * 60);
    host.sh(
      'tc qdisc add dev up1 clsact; tc filter add dev up1 ingress protocol all u32 match u32 0 0 action mirred ingress mirror dev tap3',
    );
    const copied = await host.judge('copied', '--bridge', 'up1');
    for (const { pid } of machines) process.kill(pid, 'SIGKILL');
    host.sh('ip link del up1');
    expect([copied.status, copied.result.verdict], copied.text).toEqual([2, 'broken']);
    const groups = copied.result.steps.flatMap((step) => step.groups ?? []);
    expect(new Set(groups.flatMap(({ observers }) => observers))).toEqual(new Set(['tap3']));
    expect(groups.flatMap(({ causes }) => causes.map(({ code }) => code))).toContain('mirror');
  });
});

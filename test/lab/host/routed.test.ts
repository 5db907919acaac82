import { execFileSync } from 'node:child_process';
import { closeSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Result } from '../../../src/core/model/result.js';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { type WholeHost, wholeHost } from '../../support/lab/whole-host.js';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

const numbers = [1, 2, 3, 4];

describe('guests that the host routes to', { ...needs(root), timeout: patient(90_000) }, () => {
  let host: WholeHost;
  const spaces = numbers.map(() => newNamespace(disableIpv6));
  beforeAll(() => {
    host = wholeHost(0);
    host.sh('sysctl -q -w net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=1');
    for (const n of numbers) {
      host.sh(
        [
          `ip link add cali${n} type veth peer name eth0 address 52:54:00:00:01:0${n} netns /proc/${process.pid}/fd/${spaces[n - 1]}`,
          `ip link set cali${n} up; ip address add 169.254.1.1/32 dev cali${n}; ip route add 10.9.1.${n}/32 dev cali${n}`,
        ].join('\n'),
      );
      const inside =
        'ip link set lo up; ip link set eth0 up; ip address add 10.9.1.N/32 dev eth0; ip route add default via 169.254.1.1 dev eth0 onlink; ping -c 1 -w 30 169.254.1.1';
      inNamespaceFd(spaces[n - 1] ?? 0, () =>
        execFileSync('sh', ['-ec', inside.replace('N', String(n))], { stdio: 'pipe' }),
      );
    }
  });
  afterAll(() => {
    host.close();
    for (const fd of spaces) closeSync(fd);
  });

  async function ran(
    name: string,
    ...files: readonly string[]
  ): Promise<{ readonly status: number | null; readonly text: string; readonly result: Result }> {
    const dir = join(host.dir, name);
    const { status, stdout, stderr } = await host.run(['run', ...files, '--yes', '--out', dir]);
    const result: Result = JSON.parse(
      readFileSync(join(dir, files.length === 0 ? 'evidence' : '', 'result.json'), 'utf8'),
    );
    return { status, text: `${stdout}\n${stderr}`, result };
  }

  it('are examined without a file, each as a sender, and hold where the host hands packets to their addressee', async () => {
    const init = await host.run(['init']);
    expect(init.stdout).toMatch(/routes: *\{ *kind: routed *\}|kind: routed/);
    expect(init.stdout).toContain('no chain of nft decides');
    const { status, text, result } = await ran('holds');
    expect([status, result.verdict], text).toEqual([0, 'holds']);
    expect(text).toContain('HOLDS: none of 4 guests received any of');
    expect(text).not.toContain('not examined');
    expect([result.coverage.complete, result.coverage.ports]).toEqual([true, 4]);
    const delivered = result.steps.flatMap(({ findings }) =>
      findings.filter(({ allowed, observer, to }) => allowed === 'must' && observer === to),
    );
    expect(delivered.length).toBeGreaterThan(0);
    expect(delivered.every(({ seen, sent }) => seen === sent)).toBe(true);
  });

  it('are BROKEN where a rule of tc copies to one of them what is for another', async () => {
    host.sh(
      'tc qdisc add dev cali2 clsact; tc filter add dev cali2 egress protocol all u32 match u32 0 0 action mirred egress mirror dev cali3',
    );
    const { status, text, result } = await ran('mirror');
    host.sh('tc qdisc del dev cali2 clsact');
    expect([status, result.verdict], text).toEqual([2, 'broken']);
    const groups = result.steps.flatMap((step) => step.groups ?? []);
    expect(new Set(groups.flatMap(({ observers }) => observers))).toEqual(new Set(['cali3']));
    expect(groups.flatMap(({ causes }) => causes.map(({ code }) => code))).toContain('mirror');
  });

  it('are BROKEN where one of them may send from any address, with the sysctl that ends it', async () => {
    host.sh('sysctl -q -w net.ipv4.conf.cali1.rp_filter=0');
    const { status, text, result } = await ran('spoof');
    host.sh('sysctl -q -w net.ipv4.conf.cali1.rp_filter=1');
    expect([status, result.verdict], text).toEqual([2, 'broken']);
    const causes = result.steps.flatMap((step) => (step.groups ?? []).flatMap((group) => group.causes));
    expect(causes.flatMap(({ fixes }) => fixes)).toContain('sysctl -w net.ipv4.conf.cali1.rp_filter=1');
  });

  it('are held to a policy by a file that names their devices and zones alone, until rules of nft keep it', async () => {
    const file = join(host.dir, 'policy.yml');
    writeFileSync(
      file,
      `version: 1
name: policy
topology:
  provider: host
  bridges: { routes: { kind: routed } }
  endpoints:
    web: { bridge: routes, port: cali1, zone: red }
    db: { bridge: routes, port: cali2, zone: red }
    dns: { bridge: routes, port: cali3, zone: blue }
policy:
  - { from: "zone:*", to: "zone:*", expect: separated }
`,
    );
    const broken = await ran('policy-broken', file);
    expect([broken.status, broken.result.verdict], broken.text).toEqual([2, 'broken']);
    const causes = broken.result.steps.flatMap((step) => (step.groups ?? []).flatMap((group) => group.causes));
    expect(new Set(causes.map(({ code }) => code))).toEqual(new Set(['host-forwards']));
    // What is advised is what a shell takes
    host.sh([...new Set(causes.flatMap(({ fixes }) => fixes))].join('\n'));
    const kept = await ran('policy-kept', file);
    host.sh('nft delete table inet isolation');
    expect([kept.status, kept.result.verdict], kept.text).toEqual([0, 'holds']);
    const barriers = kept.result.steps.flatMap((step) => (step.held ?? []).flatMap((held) => held.barriers));
    expect(barriers.map(({ code }) => code)).toContain('filter');
  });

  it('are not sent to at an address that leads elsewhere', async () => {
    const file = join(host.dir, 'astray.yml');
    writeFileSync(
      file,
      `version: 1
name: astray
topology:
  provider: host
  bridges: { routes: { kind: routed } }
  endpoints:
    web: { bridge: routes, port: cali1 }
    db: { bridge: routes, port: cali2, ip: 10.9.1.3/32 }
    dns: { bridge: routes, port: cali3, ip: 192.0.2.9/32 }
steps:
  - { name: one, probe: [ { class: known-unicast, from: web, to: [db, dns], count: 1 } ], expect: private }
`,
    );
    const { status, stderr } = await host.run(['run', file, '--yes', '--out', join(host.dir, 'astray')]);
    expect([status, stderr]).toEqual([3, expect.stringContaining('db: 10.9.1.3 is routed to "cali3", not to "cali2"')]);
    expect(stderr).toContain('dns: 192.0.2.9 is routed to nothing, not to "cali3"');
  });

  it('hold where the host forwards nothing', async () => {
    host.sh('sysctl -q -w net.ipv4.ip_forward=0');
    const { status, text, result } = await ran('apart');
    expect([status, result.verdict], text).toEqual([0, 'holds']);
  });
});

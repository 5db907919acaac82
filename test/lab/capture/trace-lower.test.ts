// @module-tag all
import { execFileSync } from 'node:child_process';
import { closeSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTracedKernel } from '../../../src/system/capture/trace/trace.js';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { kernel } from '../../support/lab/features.js';
import { type Tenant, tenantOf } from '../../support/lab/processes.js';
import { type WholeHost, wholeHost } from '../../support/lab/whole-host.js';
import { needs, root } from '../../support/needs.js';

const traced = readTracedKernel();
const numbers = [1, 2, 3];

describe(
  'the trace of guests on a lower device',
  needs(root, typeof traced === 'string' ? traced : null, kernel('macvlan'), kernel("nft's family netdev")),
  () => {
    let host: WholeHost;
    const spaces = numbers.map(() => newNamespace(disableIpv6));
    const beyond = newNamespace(disableIpv6);
    const tenants: Tenant[] = [];
    const spaceOf = (n: number): string => `/proc/${process.pid}/fd/${spaces[n - 1]}`;
    const inside = (n: number, script: string): string =>
      inNamespaceFd(spaces[n - 1] ?? 0, () => execFileSync('sh', ['-ec', script], { encoding: 'utf8' }));

    beforeAll(() => {
      host = wholeHost(0);
      host.sh(`ip link add up0 type veth peer name far0 netns /proc/${process.pid}/fd/${beyond}; ip link set up0 up`);
      inNamespaceFd(beyond, () => execFileSync('ip', ['link', 'set', 'far0', 'up']));
      for (const n of numbers) {
        const space = spaceOf(n);
        host.sh(`ip link add link up0 name mv${n} address 52:54:00:00:02:0${n} type macvlan mode bridge`);
        host.sh(`ip link set mv${n} netns ${space} name eth0`);
        tenants.push(tenantOf(spaces[n - 1] ?? 0));
        inside(n, `ip link set eth0 up; ip address add 10.9.2.${n}/24 dev eth0`);
      }
    });
    afterAll(async () => {
      for (const tenant of tenants) await tenant.end();
      host.close();
      for (const fd of [...spaces, beyond]) closeSync(fd);
    });

    it('does not hold where a trusted rule copies to another device of a guest', async () => {
      host.sh(
        `ip link add x0 type veth peer name x1 netns ${spaceOf(3)}; ip link set x0 up
nft 'add table netdev t; add chain netdev t c { type filter hook egress device "up0" priority 0; }; add rule netdev t c dup to "x0"'`,
      );
      inside(
        3,
        `ip link set x1 up; nft 'add table netdev ear; add chain netdev ear c { type filter hook ingress device "x1" priority 0; }; add rule netdev ear c ether saddr 52:54:00:00:02:01 counter'`,
      );
      const file = join(host.dir, 'copied.yml');
      const endpoints = numbers.map(
        (n) => `    g${n}: { bridge: up0, port: eth0, netns: /proc/${tenants[n - 1]?.pid}/ns/net }\n`,
      );
      writeFileSync(
        file,
        `version: 1\nname: copied\ntopology:\n  provider: host\n  bridges: { up0: { kind: lower } }\n  endpoints:\n${endpoints.join('')}steps:
  - { name: private, probe: { class: unknown-unicast, from: g1, count: 40 }, expect: private, trust: [ { what: "nft dup *", reason: IDS, owner: ops } ] }\n`,
      );
      const { result, text } = await host.judge('copied', '--trace', 'auto', file);
      const heard = Number(/packets (\d+)/.exec(inside(3, 'nft list table netdev ear'))?.[1]);
      expect(heard).toBeGreaterThanOrEqual(40);
      expect(result.verdict, text).not.toBe('holds');
    });
  },
);

// @module-tag all
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kernel } from '../../support/lab/features.js';
import { type LowerGuests, lowerGuests, macvlanOf } from '../../support/lab/hosts/lower-guests.js';
import { needs } from '../../support/needs.js';
import { tracing } from '../../support/lab/hosts/trace-host.js';

const numbers = [1, 2, 3];

describe('the trace of guests on a lower device', needs(...tracing, kernel('macvlan')), () => {
  let lower: LowerGuests;
  beforeAll(() => {
    lower = lowerGuests(macvlanOf);
  });
  afterAll(() => lower.close());

  it('does not hold where a trusted rule copies to another device of a guest', async () => {
    const { host, tenants, spaceOf, inside } = lower;
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
});

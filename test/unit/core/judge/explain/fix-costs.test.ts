import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { causes } from '../../../../../src/core/judge/explain/causes.js';
import { fixCost } from '../../../../../src/core/judge/explain/fix-costs.js';

const folder = resolve(import.meta.dirname, '../../../../../src/core/judge/explain/causes');
const withoutFix = ['above-bridge', 'sniffer-on-host', 'nat', 'copy-in-tunnel', 'reflected-by-uplink'];

describe('what a fix costs', () => {
  it.each(Object.keys(causes).filter((code) => !withoutFix.includes(code)))('is said for %s', (code) => {
    expect(fixCost(code, 'ip link set dev br0 …')).toMatch(/\w/);
    expect(fixCost(code, '')).toBeNull();
  });
  it('is, of broadcasts that are no longer flooded, that the guest loses IPv4', () => {
    expect(fixCost('group-flood', 'bridge link set dev p0 bcast_flood off')).toContain('ARP');
    expect(fixCost('group-flood', 'bridge link set dev p0 mcast_flood off')).not.toContain('ARP');
  });
  it('is, of an entry for the addressee where the table is full, that it has to follow the guest', () => {
    expect(fixCost('fdb-full', 'bridge fdb replace 52:54:00:00:00:0b dev tap1 master static')).toContain('follow');
    expect(fixCost('fdb-full', 'ip link set dev br0 type bridge fdb_max_learned 0')).toContain('memory');
  });
  it('is never that an uplink is isolated: no cause asks for it but between guests', () => {
    const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
    const asking = texts.filter((text) => text.includes("'isolated', true"));
    expect(asking).toHaveLength(1);
    expect(asking[0]).toMatch(/from\?\.role !== 'guest' \|\|\s+observer\?\.role !== 'guest'/);
  });
});

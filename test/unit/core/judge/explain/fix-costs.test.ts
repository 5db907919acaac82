import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { setBridge, setEntry } from '../../../../../src/core/bridge/changes.js';
import { causeCodes, fixCost, fixPrice } from '../../../../../src/core/bridge/weaknesses.js';
import type { Change } from '../../../../../src/core/model/fabric.js';

const folder = resolve(import.meta.dirname, '../../../../../src/core/bridge/weaknesses');
const withoutFix: readonly string[] = ['sniffer-on-host', 'nat', 'copy-in-tunnel', 'reflected-by-uplink'];

describe('what a fix costs', () => {
  it.each(causeCodes.filter((code) => !withoutFix.includes(code)))('is said for %s', (code) => {
    expect(fixCost(code, { place: 'p0', fix: 'ip link set dev br0 …' })).toMatch(/\w/);
    expect(fixCost(code, { place: 'p0', fix: '' })).toBeNull();
  });
  it('is, of broadcasts that are no longer flooded, that the guest loses IPv4', () => {
    expect(fixCost('group-flood', { place: 'p0.bcast_flood', fix: 'x' })).toContain('ARP');
    expect(fixCost('group-flood', { place: 'p0.mcast_flood', fix: 'x' })).not.toContain('ARP');
    expect(fixPrice('group-flood', { place: 'p0.mcast_flood, p1.bcast_flood', fix: 'x' })).toBeGreaterThan(
      fixPrice('group-flood', { place: 'p0.mcast_flood', fix: 'x' }),
    );
  });
  it('is, of an entry, that it has to follow the guest; of a table without a limit, memory', () => {
    const costOf = (code: 'fdb-full' | 'learning-off', change: Change): string | null =>
      fixCost(code, { place: 'p0', fix: 'x', changes: [change] });
    expect(costOf('learning-off', setEntry('52:54:00:00:00:0b', 'tap1'))).toContain('follow');
    expect(costOf('fdb-full', setBridge('br0', 'fdb_max_learned', 0))).toContain('memory');
  });
  it('is never that an uplink is isolated: no cause asks for it but between guests', () => {
    const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
    const asking = texts.filter((text) => text.includes("'isolated', true"));
    expect(asking).toHaveLength(1);
    expect(asking[0]).toMatch(/from\?\.role !== 'guest' \|\|\s+observer\?\.role !== 'guest'/);
  });
});

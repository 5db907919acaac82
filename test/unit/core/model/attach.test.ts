import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { attaches, isOnPort, isRoutedTo, placeOf } from '../../../../src/core/model/attach.js';

const src = join(import.meta.dirname, '../../../../src');

describe('attach', () => {
  it('gives each way to attach its place at the bridge', () => {
    expect(attaches.map((attach) => [attach, placeOf(attach)])).toEqual([
      ['port', 'port'],
      ['routed', 'routed'],
      ['host', 'host'],
      ['promiscuous', 'behind'],
      ['macvlan', 'above'],
      ['macvtap', 'above'],
      ['ipvlan', 'above'],
    ]);
  });

  it('gives a port of its own to what is attached by one, and to nothing else', () => {
    expect(attaches.filter(isOnPort)).toEqual(['port', 'routed']);
    expect(attaches.filter(isRoutedTo)).toEqual(['routed']);
  });

  it('is compared with a word nowhere but at its descriptor, so that a new way is added in one place', () => {
    const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    const found = files.filter((file) => /attach [!=]== '/.test(readFileSync(join(src, file), 'utf8')));
    expect(found).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { bypassesIn } from '../../../../../src/core/bridge/bypass/bypasses.js';
import {
  harmlessActions,
  harmlessFilters,
  harmlessStatements,
  harmlessTargets,
} from '../../../../../src/core/bridge/bypass/known-good.js';
import type { HostState } from '../../../../../src/core/model/state.js';
import { hostState } from '../../../../support/judge/perfect-run.js';

const scope = { segment: new Set(['br0', 'vnet2', 'vnet3']), heard: new Set(['vnet2', 'vnet3']) };

function reported(parts: Partial<HostState>): readonly string[] {
  return bypassesIn({ ...hostState(), ...parts }, scope).map(({ what, where }) => `${what} at ${where}`);
}
const tc = (filter: unknown, key = 'vnet2 ingress'): readonly string[] =>
  reported({ tc: { filters: { [key]: [filter] } } });
const action = (parts: Readonly<Record<string, unknown>>): readonly string[] =>
  tc({ kind: 'u32', options: { actions: [parts] } });
const nft = (statement: unknown, family = 'netdev'): readonly string[] =>
  reported({
    nft: {
      nftables: [
        { chain: { family, table: 't', name: 'c', dev: 'vnet2' } },
        { rule: { family, table: 't', chain: 'c', expr: [statement] } },
      ],
    },
  });

describe('what can carry frames past the ears', () => {
  it.each([...harmlessFilters])('is no filter %s', (kind) => expect(tc({ kind, options: {} })).toEqual([]));
  it.each([...harmlessActions])('is no action %s', (kind) => expect(action({ kind })).toEqual([]));
  it.each([...harmlessStatements])('is no statement %s', (name) => expect(nft({ [name]: null })).toEqual([]));
  it.each([...harmlessTargets])('is no target %s', (name) =>
    expect(nft({ xt: { type: 'target', name } }, 'ip')).toEqual([]),
  );

  it('is a program at a device that frames come to, and at no other', () => {
    const programs = [
      { device: 'vnet2', place: 'tcx ingress', id: 7 },
      { device: 'eth9', place: 'tcx egress', id: 8 },
    ];
    expect(reported({ programs })).toEqual(['BPF program 7 at vnet2 tcx ingress']);
    expect(tc({ kind: 'bpf', options: {} })).toEqual(['tc filter bpf at tc vnet2 ingress']);
  });

  it('is an action that hands frames to somebody, or leads nobody knows where', () => {
    expect(action({ kind: 'sample' })).toEqual(['tc action sample at tc vnet2 ingress']);
    expect(action({ kind: 'mirred', mirred_action: 'mirror', direction: 'egress', blockid: 21 })).toEqual([
      'tc action mirred at tc vnet2 ingress',
    ]);
    expect(action({ kind: 'mirred', direction: 'ingress', to_dev: 'eth9' })).toEqual([
      'tc action mirred to eth9 at tc vnet2 ingress',
    ]);
  });

  it('is no mirror to a port that is heard', () => {
    expect(action({ kind: 'mirred', direction: 'egress', to_dev: 'vnet3' })).toEqual([]);
    expect(action({ kind: 'mirred', direction: 'ingress', to_dev: 'vnet3' })).toEqual([]);
  });

  it('is no filter of a device that frames do not come to', () => {
    expect(tc({ kind: 'bpf', options: {} }, 'eth9 egress')).toEqual([]);
  });

  it('is a statement of nft that hands packets to a process, or leads nobody knows where', () => {
    expect(nft({ queue: { num: 1 } })).toEqual(['nft statement queue at nft netdev t c on vnet2']);
    expect(nft({ dup: { addr: { map: { key: {}, data: '@m' } } } })).toEqual(['nft dup at nft netdev t c on vnet2']);
    expect(nft({ xt: { type: 'target', name: 'TEE' } }, 'ip')).toEqual(['xtables target TEE at nft ip t c on vnet2']);
    expect(nft({ xt: null }, 'ip')).toEqual(['xtables target that nft does not know at nft ip t c on vnet2']);
  });

  it('is no copy to ports that are heard, by name or out of a map', () => {
    expect(nft({ dup: { addr: 'vnet3' } })).toEqual([]);
    const map = (to: string): unknown => ({ dup: { addr: { map: { key: {}, data: { set: [[0, to]] } } } } });
    expect(nft(map('vnet3'))).toEqual([]);
    expect(nft(map('eth9'))).toEqual(['nft dup at nft netdev t c on vnet2']);
    expect(nft({ dup: { addr: '10.0.0.9', dev: 'br0' } }, 'ip')).toEqual([]);
  });
});

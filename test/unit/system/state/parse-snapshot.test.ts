import { describe, expect, it } from 'vitest';
import { stateAlone } from '../../../../src/core/bridge/view.js';
import { parseSnapshot } from '../../../../src/system/state/parse-snapshot.js';
import { stateWith, upLink } from '../../../support/link-state.js';

const program = { device: 'v0', place: 'tcx ingress', id: 7, name: 'count', tag: '0011223344556677', onlyPasses: true };
const handler = {
  type: 'ALL',
  device: null,
  function: 'BPF program 7 (xdp)',
  program: { id: 7, name: 'count', tag: '0011223344556677', place: 'v0 in /run/netns/web' },
};

describe('a snapshot that watch --learn wrote', () => {
  it('keeps what is known of programs: one that only passes would else be a bypass that is gone', () => {
    const state = stateWith(
      [upLink('br0', { kind: 'bridge', bridge: {} }), upLink('v0', { master: 'br0', port: {} })],
      {
        programs: [{ ...program, onlyPasses: true }],
        packetHandlers: [handler],
      },
    );
    const learned = { ...stateAlone(state), packetSockets: [] };
    expect(parseSnapshot(JSON.parse(JSON.stringify(learned))).state).toMatchObject({
      programs: [program],
      packetHandlers: [handler],
    });
  });

  it.each([['links'], ['sysctl'], ['unread']])('is none without %s', (part) => {
    const { [part]: _, ...state }: Readonly<Record<string, unknown>> = { ...stateWith([]) };
    expect(() => parseSnapshot({ ...stateAlone(stateWith([])), state })).toThrow();
  });
});

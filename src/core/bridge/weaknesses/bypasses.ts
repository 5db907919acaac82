import type { Snapshot } from '../../model/state.js';
import { type Bypass, bypassEffect, bypassesIn } from '../bypass/bypasses.js';
import { socketBypasses } from '../bypass/packet-sockets.js';
import { segmentOf } from '../bypass/segment.js';
import { asksUsualForms } from '../bypass/usual-forms.js';
import { advice } from '../changes.js';
import { type BridgeView, readFrom } from '../view.js';
import type { Audited, BridgeRule } from '../weakness.js';
import { everyFrame } from './promiscuous.js';
import { namesIn } from '../../text/collections.js';

declare module '../../model/codes.js' {
  interface Weaknesses {
    readonly 'bypass-possible': 'finding';
  }
}

/** `xdp-program` reports it itself. */
function isXdpThere({ devices }: BridgeView, what: string, where: string): boolean {
  return what.startsWith('XDP') && devices.has(where.slice(0, where.lastIndexOf(' ')));
}

/** `tc-mirror` and `nft-mirror` report these copies. */
function isMirror({ devices }: BridgeView, { to, where }: Bypass): boolean {
  if (to === undefined) return false;
  const [, on = ''] = where.startsWith('tc ') ? where.split(' ') : where.split(' on ');
  return on === '' || on.split(', ').some((device) => devices.has(device));
}

/** `sniffer-on-host` reports the others. */
function socketsBeside({ link, ports }: BridgeView, sockets: Snapshot['packetSockets']): Snapshot['packetSockets'] {
  const reported = new Set([0, link.ifindex, ...ports.map((port) => port.link.ifindex)]);
  return sockets?.filter(({ protocol, ifindex }) => protocol !== everyFrame || !reported.has(ifindex)) ?? null;
}

const bypassRule: BridgeRule = (view, { state, packetSockets }) => {
  const routed = namesIn(view.ports);
  const bridges = new Set([view.name]);
  const segment = segmentOf(bridges, state, routed);
  return [
    ...bypassesIn(state, segment).filter((bypass) => !isMirror(view, bypass)),
    ...socketBypasses(
      { ...state, packetSockets: socketsBeside(view, packetSockets) },
      { bridges, segment, guestPorts: new Set(namesIn(view.guests)) },
      asksUsualForms(state),
    ),
  ]
    .filter(({ what, where }) => !isXdpThere(view, what, where))
    .map(({ what, where, remedy }) => ({
      severity: 'medium',
      place: where,
      value: what,
      readFrom: `${readFrom.tc}, ${readFrom.nft}, ${readFrom.packet}, bpf(2)`,
      text: `it ${bypassEffect}, so that no run on this bridge holds while it stands there`,
      probe: null,
      fix: advice(remedy),
    }));
};

export const bypassPossible: Audited = {
  meaning:
    'A program, a rule or a process may bypass every capture point. A run is INCONCLUSIVE for it, unless `trust` in the step lists it.',
  finding: { onBridge: bypassRule },
};

import type { Primitive } from './attack.js';
import * as bpf from './attacks/bpf.js';
import * as copies from './attacks/copies.js';
import { headers } from './attacks/headers.js';
import { inBetween } from './attacks/in-between.js';
import { translations } from './attacks/nat.js';
import { noPort } from './attacks/no-port.js';
import { openVSwitch } from './attacks/ovs.js';
import { taps } from './attacks/taps.js';
import { uplinks } from './attacks/uplinks.js';
import { wrapped } from './attacks/wrapped.js';

/** The primitives that `npm test` draws from: an addition here changes all draws. */
export const primitives: readonly Primitive[] = [
  copies.plainMirror,
  copies.mirrorElsewhere,
  copies.mirrorUnderQdisc,
  copies.sharedBlock,
  copies.ingressMirror,
  copies.redirect,
  copies.nftCopy,
  copies.dupToAddress,
  bpf.bpfClone,
  bpf.bpfRedirect,
  copies.relay,
  copies.relayElsewhere,
  copies.bypassRelay,
  copies.lateRelay,
  ...headers.slice(0, 3),
  ...translations.slice(0, 4),
  ...headers.slice(3, 5),
  ...translations.slice(4),
  ...headers.slice(5),
  ...wrapped,
  ...noPort,
  ...inBetween,
  ...openVSwitch,
];

/** Later primitives, drawn separately so that the draws from the first list stay the same. */
export const further: readonly Primitive[] = [copies.mirrorUnderChild, copies.mirrorToNetkit, ...taps, ...uplinks];

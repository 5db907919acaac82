import type { Primitive } from './attack.js';
import * as copies from './attacks/copies.js';
import { headers } from './attacks/headers.js';
import { inBetween } from './attacks/in-between.js';
import { noPort } from './attacks/no-port.js';
import { openVSwitch } from './attacks/ovs.js';
import { wrapped } from './attacks/wrapped.js';

/** Every kind of attack that can be drawn. */
export const primitives: readonly Primitive[] = [
  copies.plainMirror,
  copies.mirrorElsewhere,
  copies.mirrorUnderQdisc,
  copies.sharedBlock,
  copies.ingressMirror,
  copies.redirect,
  copies.nftCopy,
  copies.dupToAddress,
  copies.bpfClone,
  copies.bpfRedirect,
  copies.relay,
  copies.relayElsewhere,
  copies.bypassRelay,
  copies.lateRelay,
  ...headers,
  ...wrapped,
  ...noPort,
  ...inBetween,
  ...openVSwitch,
];

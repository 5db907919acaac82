import { z } from 'zod';
import { carriers, probeClasses } from '../model/scenario.js';
import { group, interfaceName, ipAddress, mac, name, onOff, oneOrMany, scalar, selector, selectors, selectorsOrNone, text, time, title, vid, vidOrRange, whole } from './values.js';

const seenRule = 'expected none, some, all or a number of frames';
export const seenAmount = z.union([z.enum(['none', 'some', 'all']), whole(0, 4_000_000_000)], { error: seenRule });
export const seenClaim = z.strictObject({
  from: name.optional(),
  to: name.optional(),
  carrier: z.enum([...carriers, 'native']).optional(),
  variant: text.optional(),
  seen: seenAmount,
});
/** By observer: an amount, a narrowed claim, or several of those. */
export const seenOf = z.union([seenAmount, seenClaim, z.array(seenClaim).min(1, { error: 'expected at least one entry' })]);
export const seen = z.record(selector, seenOf);

const allowance = { may_see: selectorsOrNone.optional(), must_see: selectorsOrNone.optional(), seen: seen.optional() };

/** `gateway-bounce` is an alias of routed-bounce. */
export const probeClass = z.enum([...probeClasses, 'gateway-bounce']);

export const probe = z.strictObject({
  class: probeClass,
  from: selectors,
  to: selectors.optional(),
  via: selectors.optional(),
  both_ways: onOff.optional(),
  count: whole(1, 10_000_000).optional(),
  rate: whole(1, 10_000_000).optional(),
  carriers: oneOrMany(z.enum(carriers)).optional(),
  vlan: z.array(z.union([whole(0, 4094), z.array(whole(0, 4094)).max(8, { error: 'expected at most 8 tags' })], {
    error: 'expected a VLAN number from 0 to 4094 or a stack of them such as [1, 10]',
  })).min(1, { error: 'expected at least one tag stack' }).optional(),
  src_mac: mac.optional(),
  dst_mac: mac.optional(),
  src_ip: ipAddress.optional(),
  dst_ip: ipAddress.optional(),
  group: group.optional(),
  size: whole(60, 9216).optional(),
  ...allowance,
});

export const traffic = z.strictObject({
  kind: z.enum(['http', 'ping', 'tcp', 'udp']),
  from: name,
  to: name,
  requests: whole(1, 1_000_000).optional(),
  bytes: whole(0, 1_000_000_000).optional(),
  ...allowance,
});

/** `isolated` is the old alias of private. */
export const shortExpectation = z.enum(['private', 'separated', 'leak', 'unjudged', 'isolated']);
export const expectation = z.union([
  shortExpectation,
  z.strictObject({ verdict: z.enum(['holds', 'broken']).optional(), observers: selectors.optional(), ...allowance }),
]);

const command = z.union([text, z.array(z.string({ error: 'expected text' })).min(1, { error: 'expected at least the program' })]);
const portVlan = z.strictObject({ port: interfaceName, vid: vidOrRange, pvid: onOff.optional(), untagged: onOff.optional() });
const fdbEntry = z.strictObject({
  mac,
  port: interfaceName,
  state: z.enum(['static', 'permanent', 'dynamic']).optional(),
  sticky: onOff.optional(),
  vlan: vid.optional(),
  self: onOff.optional(),
});
const mdbEntry = z.strictObject({ group, port: interfaceName, vlan: vid.optional() });
const dateRule = 'expected a date such as 2027-01-31';

/** A step's own keys; its probes and traffic are read one by one. */
export const stepShell = z.strictObject({
  name: title,
  description: text.optional(),
  set: z.record(z.string(), z.record(z.string(), scalar)).optional(),
  vlan: z.strictObject({ add: z.array(portVlan).optional(), del: z.array(portVlan).optional() }).optional(),
  fdb: z.strictObject({ flush: oneOrMany(name).optional(), add: z.array(fdbEntry).optional(), del: z.array(fdbEntry).optional() }).optional(),
  mdb: z.strictObject({ add: z.array(mdbEntry).optional(), del: z.array(mdbEntry).optional() }).optional(),
  start: selectors.optional(),
  stop: selectors.optional(),
  run: z.array(command).optional(),
  during: z.array(z.strictObject({ at: time, run: z.array(command).min(1, { error: 'expected at least one command' }) })).optional(),
  learn: selectorsOrNone.optional(),
  wait: time.optional(),
  probe: z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]).optional(),
  traffic: z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]).optional(),
  listen: z.strictObject({ for: time }).optional(),
  expect: expectation.optional(),
  accept: z.array(z.strictObject({
    observer: selector,
    class: title,
    reason: text,
    owner: text.optional(),
    ticket: text.optional(),
    until: z.string({ error: dateRule }).regex(/^\d{4}-\d{2}-\d{2}$/, { error: dateRule }).optional(),
  })).optional(),
});

export const step = stepShell.extend({ probe: oneOrMany(probe).optional(), traffic: oneOrMany(traffic).optional() });

export const policy = z.strictObject({
  from: selectors.optional(),
  to: selectors.optional(),
  within: selectors.optional(),
  expect: expectation.optional(),
});

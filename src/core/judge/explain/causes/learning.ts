import { ownEntry, setBridge, setEntry } from '../../../bridge/changes.js';
import { isOnPort } from '../../../model/attach.js';
import { hostOf } from '../../../model/host-names.js';
import type { LinkState } from '../../../model/state.js';
import { isSwitchedOff, isUnicast } from '../../rows/row-context.js';
import { type CauseFinder, entryCost, type LeakContext, verb, type Weakness } from './weakness.js';

/** The addressee was silent for longer than the ageing time, so that its entry is gone. */
const findAgedOut: CauseFinder = (leak) => {
  const { bridge, to, entries, dstMac, finding } = leak;
  const ageing = Number(bridge.bridge?.['ageing_time'] ?? 0);
  if (
    finding.class !== 'aged-unicast' ||
    !isUnicast(leak) ||
    ageing === 0 ||
    to === null ||
    to.port === null ||
    entries.length > 0
  )
    return null;
  return {
    place: `${bridge.name}.ageing_time`,
    value: `${ageing / 100} s`,
    text: `${to.name} was silent for longer than ${ageing / 100} s, so ${bridge.name} forgot where it is`,
    fix: { changes: [setEntry(dstMac ?? '', to.port)] },
  };
};

export const agedOut: Weakness = {
  meaning: 'The addressee was silent for longer than the ageing time: the bridge forgot it, and frames to it flood.',
  phrase: ({ place, value }) => `a guest was silent for longer than the bridge remembers it (${place} ${value})`,
  cost: entryCost,
  find: findAgedOut,
};

/** The bridge forgets at once what it learns, so that all unicast without a static entry floods (CVE-2019-15753). */
const findAgeingZero: CauseFinder = (leak) => {
  const { bridge, entries } = leak;
  if (!isUnicast(leak) || bridge.bridge?.['ageing_time'] !== 0 || entries.some((entry) => entry.state !== 'dynamic'))
    return null;
  return {
    place: `${bridge.name}.ageing_time`,
    value: '0',
    text: `${bridge.name} learns nothing with an ageing time of 0, so it floods all unicast like a hub`,
    fix: { changes: [setBridge(bridge.name, 'ageing_time', 30_000)] },
  };
};

export const ageingZero: Weakness = {
  meaning:
    'The bridge learns nothing: unicast between any two ports floods to every other, as on a hub. Set an ageing time.',
  phrase: (parts) => `${parts.devices} ${verb(parts, 'is a hub', 'are hubs')} (ageing_time 0)`,
  cost: { price: 'nothing', text: 'nothing: entries age as they do by default' },
  find: findAgeingZero,
};

/** The addressee's port learns nothing and has no static entry: what is for it floods. */
const findLearningOff: CauseFinder = (leak) => {
  const { to, before, entries, dstMac } = leak;
  const own = to === null ? undefined : before.links.find((link) => link.name === to.port);
  if (
    !isUnicast(leak) ||
    own === undefined ||
    own.port === null ||
    !isSwitchedOff(own.port['learning']) ||
    entries.length > 0
  )
    return null;
  return {
    place: `${own.name}.learning`,
    value: 'off',
    text: `${own.name} learns nothing and has no static entry, so frames to ${to?.name ?? ''} flood`,
    fix: { changes: [setEntry(dstMac ?? '', own.name)] },
  };
};

export const learningOff: Weakness = {
  meaning: 'The addressee’s port learns nothing and has no static entry: frames to it flood.',
  phrase: (parts) =>
    `${parts.devices} ${verb(parts, 'learns', 'learn')} no MAC and ${verb(parts, 'has', 'have')} no static entry`,
  cost: entryCost,
  find: findLearningOff,
};

/** The table is at its limit (Linux 6.7), so that what is not in it cannot be learned and floods. */
const findFdbFull: CauseFinder = (leak) => {
  const { bridge, after, dstMac, to } = leak;
  const now = after.links.find((link) => link.name === bridge.name)?.bridge;
  const [limit, learned] = [Number(now?.['fdb_max_learned'] ?? 0), Number(now?.['fdb_n_learned'] ?? 0)];
  if (!isUnicast(leak) || limit === 0 || learned < limit) return null;
  return {
    place: `${bridge.name}.fdb_n_learned`,
    value: `${learned} of ${limit}`,
    text: `the table of ${bridge.name} is full: a MAC that does not fit is flooded`,
    fix: {
      changes: [
        to === null || to.port === null
          ? setBridge(bridge.name, 'fdb_max_learned', 0)
          : setEntry(dstMac ?? '', to.port),
      ],
    },
  };
};

export const fdbFull: Weakness = {
  meaning: 'The table is at its limit: frames to a MAC beyond it flood. The limit fails open.',
  phrase: ({ place, value }) => `the MAC table is full (${place}: ${value})`,
  cost: ({ changes }) =>
    changes?.[0]?.kind === 'fdb'
      ? entryCost
      : { price: 'host', text: 'memory of the host: a guest can fill the table' },
  find: findFdbFull,
};

function isPromiscuous({ sysFlags, promiscuity }: LinkState): boolean {
  return ((sysFlags ?? 0) & 0x100) !== 0 || (promiscuity ?? 0) > 0;
}

/**
 * The addressee is behind the bridge device itself, whose frames are never learned (br_dev_xmit), and somebody holds
 * the device promiscuous.
 */
const findBehindBridge: CauseFinder = (leak) => {
  const { bridge, dstMac, entries, to } = leak;
  if (!isUnicast(leak) || entries.length > 0 || dstMac === bridge.mac || (to !== null && isOnPort(to.attach)))
    return null;
  if (!isPromiscuous(bridge) || (to === null && leak.flow !== null)) return null;
  return {
    place: `${bridge.name}.promiscuity`,
    value: String(bridge.promiscuity ?? 1),
    text: `${to?.name ?? dstMac ?? ''} is behind ${bridge.name} itself, which learns nothing of it, whatever the ageing time: every frame to it floods`,
    fix: { changes: [ownEntry(dstMac ?? '', bridge.name)] },
  };
};

export const behindBridge: Weakness = {
  meaning:
    'The addressee is behind the bridge device, which never learns where it is: every frame to it floods, for any ageing time.',
  phrase: ({ devices }) => `${devices} floods frames for what is behind its own device`,
  cost: { price: 'upkeep', text: 'the entry has to follow the MAC of what is behind the bridge' },
  find: findBehindBridge,
};

type Entry = LeakContext['entries'][number];

/** The entry that wrongly has the addressee's MAC, if there is one, and the port at which it belongs. */
function entryPorts(
  { entries, bridge, step }: LeakContext,
  name: string,
  ownPort: string,
): { readonly stray: Entry | null; readonly rightful: string } {
  // what stands above another endpoint is reached by the port of that one
  const home = step.observers.find((observer) => observer.name === name)?.by?.port ?? ownPort;
  const stray = entries.find((entry) => entry.port !== home) ?? null;
  if (hostOf(ownPort) === hostOf(bridge.name)) return { stray, rightful: home };
  // on another host it is rightly at the tunnel through which its owner is reached
  return { stray: null, rightful: entries[0]?.port ?? home };
}

function movedText(name: string, where: string, stray: Entry | null): string {
  return stray?.state === 'static'
    ? `a static entry has the MAC of ${name} at ${where}, so what is sent to ${name} goes there`
    : `the MAC of ${name} moved to ${where}: its entry is not sticky, so a sender that uses it gets its frames`;
}

/** The destination was learned on another port than its owner's, or its frames arrived at a port that claimed it. */
const findMacMoved: CauseFinder = (leak) => {
  const { dstMac, to, port, finding } = leak;
  if (!isUnicast(leak) || to === null || to.port === null || dstMac === null || !to.macs.includes(dstMac)) return null;
  const { stray, rightful } = entryPorts(leak, to.name, to.port);
  const theft = ['mac-steal', 'gateway-steal'].includes(finding.class);
  if (stray === null && !theft) return null;
  const where = stray?.port ?? port?.name ?? '';
  return {
    place: `fdb ${dstMac}`,
    value: where,
    text: movedText(to.name, where, stray),
    fix: { changes: [setEntry(dstMac, rightful, true)] },
  };
};

export const macMoved: Weakness = {
  meaning:
    'The addressee’s MAC moved to the port of a sender that used it. A static sticky entry, or a locked port, stops that.',
  phrase: ({ place, value }) => `the MAC of another guest was taken over (${place} is at ${value})`,
  cost: entryCost,
  find: findMacMoved,
};

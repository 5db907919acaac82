import { ownEntry, setBridge, setEntry } from '../../../bridge/changes.js';
import { isOnPort } from '../../../model/attach.js';
import { hostOf } from '../../../model/host-names.js';
import type { LinkState } from '../../../model/state.js';
import { isSwitchedOff, isUnicast } from '../../rows/row-context.js';
import type { CauseFinder, LeakContext } from './leak.js';

/** The addressee was silent for longer than the ageing time, so that its entry is gone. */
export const agedOut: CauseFinder = (leak) => {
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

/** The bridge forgets at once what it learns, so that all unicast without a static entry floods (CVE-2019-15753). */
export const ageingZero: CauseFinder = (leak) => {
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

/** The addressee's port learns nothing and has no static entry: what is for it floods. */
export const learningOff: CauseFinder = (leak) => {
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

/** The table is at its limit (Linux 6.7), so that what is not in it cannot be learned and floods. */
export const fdbFull: CauseFinder = (leak) => {
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

function isPromiscuous({ sysFlags, promiscuity }: LinkState): boolean {
  return ((sysFlags ?? 0) & 0x100) !== 0 || (promiscuity ?? 0) > 0;
}

/**
 * The addressee is behind the bridge device itself, whose frames are never learned (br_dev_xmit), and somebody holds
 * the device promiscuous.
 */
export const behindBridge: CauseFinder = (leak) => {
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
export const macMoved: CauseFinder = (leak) => {
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

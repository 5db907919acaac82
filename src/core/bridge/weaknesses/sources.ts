import type { Change, Fix } from '../../model/fabric.js';
import { hostOf } from '../../model/host-names.js';
import { entryVariant } from '../../model/result.js';
import type { Mac } from '../../model/scenario.js';
import { setEntry, setPort } from '../changes.js';
import { isUnicast } from '../row-context.js';
import { isOff } from '../setting-value.js';
import { entriesBehind, isSettingOn, macsBehind, readFrom } from '../view.js';
import {
  type Audited,
  type BridgeRule,
  type CauseFinder,
  entryCost,
  type Explained,
  type LeakContext,
  verb,
} from '../weakness.js';
import { flagRule } from './port-flags.js';

declare module '../../model/codes.js' {
  interface Weaknesses {
    readonly 'mac-moved': 'cause';
    readonly 'mac-stealable': 'finding';
    readonly 'source-unchecked': 'cause';
    readonly 'not-locked': 'finding';
    readonly 'mac-bypass': 'finding';
  }
}

type Entry = LeakContext['entries'][number];

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

function holdMac(mac: Mac, port: string): readonly Change[] {
  return [setEntry(mac, port, true)];
}

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
    fix: { changes: holdMac(dstMac, rightful) },
  };
};

export const macMoved: Explained = {
  meaning:
    'The addressee’s MAC moved to the port of a sender that used it. A static sticky entry, or a locked port, stops that.',
  cause: {
    phrase: ({ place, value }) => `the MAC of another guest was taken over (${place} is at ${value})`,
    cost: entryCost,
    find: findMacMoved,
  },
};

/** A static entry moves unless it is sticky, a permanent one never. A locked port refuses unknown sources. */
const macStealableRule: BridgeRule = (view, { state }) =>
  view.guests.length < 2
    ? []
    : view.guests
        .filter(
          (port) =>
            !(isSettingOn(port.settings, 'locked') === true && isSettingOn(port.settings, 'learning') === false),
        )
        .flatMap((port) =>
          entriesBehind(state, view.name, port.name)
            .filter((entry) => !entry.flags.includes('sticky') && entry.state !== 'permanent')
            .map(
              (entry) =>
                ({
                  severity: 'low',
                  place: `${entry.mac} dev ${port.name}`,
                  value: entry.state,
                  readFrom: readFrom.fdb,
                  text:
                    entry.state === 'static'
                      ? 'a static entry that is not sticky: another port that sends with this MAC takes it over'
                      : 'learned only: another port that sends with this MAC takes it over',
                  probe: 'mac-steal',
                  fix: { changes: holdMac(entry.mac, port.name) },
                }) as const,
            ),
        );

export const macStealable: Audited = {
  meaning:
    'The address of the guest is only learned: another sender with it gets the traffic. A static sticky entry, or a locked port, stops that.',
  finding: { onBridge: macStealableRule },
};

/** Entries first: a locked port takes only their MACs. */
function lockTo(macs: readonly Mac[], port: string): readonly Change[] {
  return [...macs.map((mac) => setEntry(mac, port)), setPort(port, 'learning', false), setPort(port, 'locked', true)];
}

const anyAddress = 'any address';

const findSourceUnchecked: CauseFinder = ({ finding, fromPort, from }) => {
  const [mac] = from?.macs ?? [];
  if (finding.variant === entryVariant && fromPort !== null)
    return {
      place: fromPort.name,
      value: anyAddress,
      text: `${fromPort.name} takes ARP from addresses that ${finding.from} does not have, which a filter stops at most ports of guests`,
      fix: null,
    };
  if (finding.class !== 'mac-spoof' || fromPort === null || mac === undefined || !isOff(fromPort.port?.['locked']))
    return null;
  return {
    place: `${fromPort.name}.locked`,
    value: 'off',
    text: `${fromPort.name} takes frames with any source MAC`,
    fix: { changes: lockTo([mac], fromPort.name) },
  };
};

export const sourceUnchecked: Explained = {
  meaning: 'The sender’s port takes any source MAC, or ARP from any address where most filter.',
  cause: {
    phrase: (parts) =>
      parts.value === anyAddress
        ? `${parts.devices} ${verb(parts, 'lacks', 'lack')} the filter of sources that most ports have`
        : `${parts.devices} ${verb(parts, 'takes', 'take')} frames with any source MAC`,
    cost: { price: 'share', text: 'the guest can use no other MAC: no nested guests, no addresses that fail over' },
    find: findSourceUnchecked,
    forwards: 'setting',
  },
};

function lockedPort(port: string, macs: readonly Mac[]): Fix {
  const changes = lockTo([...new Set(macs)], port);
  return macs.length > 0 ? { changes } : { where: 'after a static entry for the guest', changes };
}

const notLockedRule: BridgeRule = (view, { state }) =>
  view.guests
    .filter((port) => isSettingOn(port.settings, 'locked') === false)
    .map((port) => ({
      severity: 'info',
      place: `${port.name}.locked`,
      value: 'off',
      readFrom: readFrom.link,
      text: 'frames of this guest pass with any source MAC',
      probe: 'mac-spoof',
      fix: lockedPort(port.name, macsBehind(state, view.name, port.name)),
    }));

export const notLocked: Audited = {
  meaning: 'The port takes frames from any source address.',
  finding: { onBridge: notLockedRule },
};

const macBypassRule = flagRule(
  'mab',
  'medium',
  'the port admits candidates by itself (MAC authentication bypass)',
  'mac-spoof',
);

export const macBypass: Audited = {
  meaning: 'MAC authentication bypass admits candidates by itself.',
  finding: { onBridge: macBypassRule },
};

import { linkNamed } from '../host.js';
import type { Change, Fix } from '../../model/fabric.js';
import type { Mac } from '../../model/scenario.js';
import { word } from '../../text/escape.js';
import { advice, setBridge, setEntry, setPort } from '../changes.js';
import { isUnicast, takesFloods } from '../row-context.js';
import { isOff } from '../setting-value.js';
import { entriesBehind, fullTable, isOutward, isSettingOn, readFrom } from '../view.js';
import { type Audited, type BridgeRule, type CauseFinder, entryCost, type Explained, verb } from '../weakness.js';

declare module '../../model/codes.js' {
  interface Weaknesses {
    readonly 'ageing-zero': 'cause' | 'finding';
    readonly 'aged-out': 'cause';
    readonly 'learning-off': 'cause' | 'finding';
    readonly 'fdb-full': 'cause';
    readonly 'fdb-limit': 'finding';
  }
}

/** The kernel's default: 300 s. */
function learnAgain(bridge: string): readonly Change[] {
  return [setBridge(bridge, 'ageing_time', 30_000)];
}

/** At ageing time 0 unicast without a static entry floods (CVE-2019-15753). To a MAC of no guest it floods at any. */
const findAgeingZero: CauseFinder = (leak) => {
  const { bridge, entries, finding } = leak;
  if (
    finding.class === 'unknown-unicast' ||
    !isUnicast(leak) ||
    !takesFloods(leak) ||
    bridge.bridge?.['ageing_time'] !== 0 ||
    entries.some((entry) => entry.state !== 'dynamic')
  )
    return null;
  return {
    place: `${bridge.name}.ageing_time`,
    value: '0',
    text: `${bridge.name} learns nothing with an ageing time of 0, so it floods all unicast like a hub`,
    fix: { changes: learnAgain(bridge.name) },
  };
};

/** Two ports have no third to flood to: OpenStack's qbr bridges are so. */
const ageingZeroRule: BridgeRule = ({ name, settings, ports }) =>
  settings['ageing_time'] !== 0 || ports.length <= 2
    ? []
    : [
        {
          severity: 'high',
          place: `${name}.ageing_time`,
          value: '0',
          readFrom: readFrom.link,
          text: 'nothing is learned: all unicast between any two ports floods to every other',
          probe: 'known-unicast',
          fix: { changes: learnAgain(name) },
        },
      ];

export const ageingZero: Explained & Audited = {
  meaning:
    'The bridge learns nothing: unicast between any two ports floods to every other, as on a hub. Set an ageing time.',
  cause: {
    phrase: (parts) => `${parts.devices} ${verb(parts, 'is a hub', 'are hubs')} (ageing_time 0)`,
    cost: { price: 'nothing', text: 'nothing, entries age as they do by default' },
    find: findAgeingZero,
    forwards: 'table',
    isOfBridge: true,
  },
  finding: { onBridge: ageingZeroRule },
};

const findAgedOut: CauseFinder = (leak) => {
  const { bridge, to, entries, dstMac, finding } = leak;
  const ageing = Number(bridge.bridge?.['ageing_time'] ?? 0);
  if (
    finding.class !== 'aged-unicast' ||
    !isUnicast(leak) ||
    !takesFloods(leak) ||
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

export const agedOut: Explained = {
  meaning: 'The addressee was silent for longer than the ageing time: the bridge forgot it, and frames to it flood.',
  cause: {
    phrase: ({ place, value }) => `a guest was silent for longer than the bridge remembers it (${place} ${value})`,
    cost: entryCost,
    find: findAgedOut,
    forwards: 'table',
  },
};

function entryFor(mac: Mac | null, port: string): Fix {
  return mac === null
    ? advice(`bridge fdb replace MAC dev ${word(port)} master static`)
    : { changes: [setEntry(mac, port)] };
}

const findLearningOff: CauseFinder = (leak) => {
  const { to, before, entries, dstMac } = leak;
  const link = linkNamed(before, to?.port);
  if (
    !isUnicast(leak) ||
    !takesFloods(leak) ||
    link === undefined ||
    link.port === null ||
    !isOff(link.port['learning']) ||
    entries.length > 0
  )
    return null;
  return {
    place: `${link.name}.learning`,
    value: 'off',
    text: `${link.name} learns nothing and has no static entry, so frames to ${to?.name ?? ''} flood`,
    // Beyond an uplink are many stations
    fix: isOutward(link) ? { changes: [setPort(link.name, 'learning', true)] } : entryFor(dstMac ?? '', link.name),
  };
};

const learningOffRule: BridgeRule = (view, { state }) =>
  view.ports.length <= 2
    ? []
    : view.guests
        .filter(
          (port) =>
            isSettingOn(port.settings, 'learning') === false &&
            entriesBehind(state, view.name, port.name).every((entry) => entry.state === 'dynamic'),
        )
        .map((port) => ({
          severity: 'high',
          place: `${port.name}.learning`,
          value: 'off, no static entry',
          readFrom: `${readFrom.link}, ${readFrom.fdb}`,
          text: 'the bridge never knows that the guest is here: all unicast to it floods',
          probe: 'known-unicast',
          fix: entryFor(null, port.name),
        }));

export const learningOff: Explained & Audited = {
  meaning: 'The guest’s port learns no MAC and has no static entry: frames to the guest flood.',
  cause: {
    phrase: (parts) =>
      `${parts.devices} ${verb(parts, 'learns', 'learn')} no MAC and ${verb(parts, 'has', 'have')} no static entry`,
    cost: ({ changes }) =>
      changes?.[0]?.kind === 'set' ? { price: 'nothing', text: 'nothing, ports learn by default' } : entryCost,
    find: findLearningOff,
    forwards: 'table',
  },
  finding: { onBridge: learningOffRule },
};

/** A static entry would help one guest: the others without room flood on. */
function makeRoom(bridge: string): readonly Change[] {
  return [setBridge(bridge, 'fdb_max_learned', 0)];
}

/** At the limit unknown MACs flood. To a MAC of no guest they flood at any. */
const findFdbFull: CauseFinder = (leak) => {
  const { bridge, after, entries, finding } = leak;
  const full = fullTable(linkNamed(after, bridge.name));
  if (finding.class === 'unknown-unicast' || !isUnicast(leak) || !takesFloods(leak)) return null;
  if (full === null || entries.length > 0) return null;
  return {
    place: `${bridge.name}.fdb_n_learned`,
    value: `${full.learned} of ${full.limit}`,
    text: `the table of ${bridge.name} is full: a MAC that does not fit is flooded`,
    fix: { changes: makeRoom(bridge.name) },
  };
};

export const fdbFull: Explained = {
  meaning: 'The table is at its limit: frames to a MAC beyond it flood.',
  cause: {
    phrase: ({ place, value }) => `the MAC table is full (${place}: ${value})`,
    cost: { price: 'host', text: 'memory of the host: a guest can fill the table' },
    find: findFdbFull,
    forwards: 'table',
    isOfBridge: true,
  },
};

/** A learning limit fails open: MACs without room flood. */
const fdbLimitRule: BridgeRule = ({ name, settings }) => {
  const limit = settings['fdb_max_learned'];
  const learned = settings['fdb_n_learned'];
  if (typeof limit !== 'number' || limit === 0 || typeof learned !== 'number') return [];
  const full = learned >= limit;
  return [
    {
      severity: full ? 'high' : 'medium',
      place: `${name}.fdb_max_learned`,
      value: `${learned} of ${limit} learned`,
      readFrom: readFrom.link,
      text: full
        ? 'the database is full: unicast to every MAC that does not fit floods'
        : 'a guest that fills the database with made-up MACs makes unicast to others flood',
      probe: 'mac-flood',
      fix: { changes: makeRoom(name), also: ', or a static entry for each guest' },
    },
  ];
};

export const fdbLimit: Audited = {
  meaning: 'Frames to an address beyond the limit on learned entries flood: the limit fails open.',
  finding: { onBridge: fdbLimitRule },
};

import type { HostState } from '../../model/state.js';
import { fieldsOf, objectsWithin, textOf } from '../../text/json-text.js';
import { setPort } from '../changes.js';
import { isOn } from '../setting-value.js';
import type { CauseFinder, Explained, LeakContext } from '../weakness.js';
import { nftRules } from '../rules.js';

declare module '../../model/codes.js' {
  interface Weaknesses {
    readonly nat: 'cause';
    readonly rewritten: 'cause';
    readonly 'copy-in-tunnel': 'cause';
    readonly 'reflected-by-uplink': 'cause';
  }
}

/** `02:… > 02:…, 10.0.1.1 > 10.0.1.2, EtherType 0x0800`. */
function arrivedAs({ finding: { altered } }: LeakContext): string {
  if (altered === undefined) return '';
  const addresses = altered.srcIp === null || altered.dstIp === null ? '' : `, ${altered.srcIp} > ${altered.dstIp}`;
  return `${altered.srcMac} > ${altered.dstMac}${addresses}, EtherType ${altered.etherType}`;
}

/** nft(8), "NAT statements". */
const translations = ['masquerade', 'snat', 'dnat', 'redirect'] as const;

function natRule(state: HostState): { readonly place: string; readonly statement: string } | null {
  for (const { place, parts } of nftRules(state).rules)
    for (const part of objectsWithin(parts)) {
      const statement = translations.find((name) => name in part) ?? xtTranslation(part);
      if (statement !== null) return { place: `nft ${place}`, statement };
    }
  return null;
}

/** iptables-nft writes its targets as `xt` (libxtables). */
function xtTranslation(part: Readonly<Record<string, unknown>>): string | null {
  const name = textOf(fieldsOf(part['xt'])?.['name']) ?? '';
  return ['MASQUERADE', 'SNAT', 'DNAT', 'REDIRECT', 'NETMAP'].includes(name) ? name : null;
}

type Translation = Readonly<Record<'place' | 'statement' | 'sent', string>>;

function translationOf({ finding: { altered }, flow, before }: LeakContext): Translation | null {
  if (altered === undefined || flow === null || flow.frame.srcIp === null || altered.srcIp === null) return null;
  if (altered.srcIp === flow.frame.srcIp && altered.dstIp === flow.frame.dstIp) return null;
  const rule = natRule(before);
  return rule === null ? null : { ...rule, sent: `${flow.frame.srcIp} > ${flow.frame.dstIp ?? '?'}` };
}

/** br_netfilter translates what the bridge floods, too: the MACs stay. */
function isFlooded({ finding: { altered }, flow, to }: LeakContext): boolean {
  return to === null && altered?.srcMac === flow?.frame.srcMac && altered?.dstMac === flow?.frame.dstMac;
}

const findNat: CauseFinder = (leak) => {
  const rule = translationOf(leak);
  if (rule === null || isFlooded(leak)) return null;
  return {
    place: rule.place,
    value: rule.statement,
    text: `the host translates addresses and forwards: sent ${rule.sent}, arrived ${arrivedAs(leak)}`,
    fix: null,
  };
};

export const nat: Explained = {
  meaning: 'The host routes between the two and translates addresses (NAT); the rule is named.',
  cause: {
    phrase: ({ place }) => `the host routes and translates addresses (${place})`,
    cost: null,
    find: findNat,
  },
};

/** br_multicast_flood. */
function groupsAsUnicast(leak: LeakContext): ReturnType<CauseFinder> {
  const { port } = leak;
  if (port === null || !isOn(port.port?.['mcast_to_unicast'])) return null;
  return {
    place: `${port.name}.mcast_to_unicast`,
    value: 'on',
    text: `${port.name} gets groups as unicast to its own MAC: they arrived ${arrivedAs(leak)}`,
    fix: { changes: [setPort(port.name, 'mcast_to_unicast', false)] },
  };
}

const findRewritten: CauseFinder = (leak) => {
  const { finding, port } = leak;
  if ((finding.forms?.rewritten ?? 0) === 0 || translationOf(leak) !== null) return null;
  return (
    groupsAsUnicast(leak) ?? {
      place: port?.name ?? finding.observer,
      value: 'other headers',
      text: `something on the way wrote other headers: the frames arrived ${arrivedAs(leak)}`,
      fix: null,
    }
  );
};

export const rewritten: Explained = {
  meaning:
    'Headers were rewritten: by a rule of tc (skbmod, pedit), nft or ebtables, a flow of Open vSwitch, `mcast_to_unicast`, or a relay.',
  cause: {
    phrase: ({ place }) => `something on the way writes other headers (${place})`,
    cost: { price: 'host', text: 'members get groups as multicast again, over Wi-Fi slower' },
    find: findRewritten,
  },
};

const findCopyInTunnel: CauseFinder = (leak) => {
  const { finding, port } = leak;
  const { altered } = finding;
  if (altered === undefined || (finding.forms?.encapsulated ?? 0) === 0) return null;
  return {
    place: port?.name ?? finding.observer,
    value: `token at byte ${altered.tokenAt}`,
    text: `the frames came inside other frames, or under further labels: ${arrivedAs(leak)}, the token at byte ${altered.tokenAt}`,
    fix: null,
  };
};

export const copyInTunnel: Explained = {
  meaning: 'The frames came inside other frames: a copy in a tunnel (VXLAN, GRE), or under added labels and tags.',
  cause: {
    phrase: ({ place }) => `the frames are copied inside other frames (${place})`,
    cost: null,
    find: findCopyInTunnel,
  },
};

const findReflectedByUplink: CauseFinder = ({ finding }) => {
  const { reflected } = finding;
  return reflected === undefined
    ? null
    : {
        place: 'the uplink',
        value: `${reflected} frames`,
        text: `${reflected} of the frames came in again from an uplink: a switch or host beyond sends them back`,
        fix: null,
      };
};

export const reflectedByUplink: Explained = {
  meaning:
    'Frames that left through an uplink came in from it again: a switch beyond it reflects or copies them. Look there for port security, loops, mirror sessions.',
  cause: {
    phrase: () => 'a switch or host beyond the uplink sends frames back',
    cost: null,
    find: findReflectedByUplink,
  },
};

import { listText } from '../../text/names.js';
import { linkNamed } from '../host.js';
import type { Change, Fix } from '../../model/fabric.js';
import type { Settings } from '../../model/scenario.js';
import type { HostState } from '../../model/state.js';
import { bareName, hostOf } from '../../model/host-names.js';
import { advice, execute, setBridge, setPort, setSysctl } from '../changes.js';
import { hopsOf } from '../hops.js';
import { isRouted, isSteeredAway } from '../row-context.js';
import { isOff } from '../setting-value.js';
import { isHandedOver, isSettingOn, readFrom } from '../view.js';
import { dropsWithin } from '../bypass/forward-rules.js';
import { type NftChain, type NftRule, nftRules } from '../rules.js';
import {
  type Audited,
  type BridgeRule,
  type CauseFinder,
  type Explained,
  type FixCost,
  type HostRule,
  verb,
} from '../weakness.js';

declare module '../../model/codes.js' {
  interface Weaknesses {
    readonly 'not-isolated': 'cause';
    readonly 'isolated-one-sided': 'finding';
    readonly 'proxmox-firewall-port': 'finding';
    readonly 'netfilter-skipped': 'cause' | 'finding';
    readonly 'bridge-chain-skipped': 'finding';
  }
}

function isolate(ports: readonly string[]): readonly Change[] {
  return ports.map((port) => setPort(port, 'isolated', true));
}

/** `isolated` acts only between two ports that both have it. */
const findNotIsolated: CauseFinder = (leak) => {
  const { finding, from, fromPort, port, observer } = leak;
  if (
    isSteeredAway(leak) ||
    from?.role !== 'guest' ||
    observer?.role !== 'guest' ||
    fromPort === null ||
    port === null ||
    hostOf(fromPort.name) !== hostOf(port.name) ||
    finding.class === 'routed-bounce'
  )
    return null;
  const open = [fromPort, port].filter((link) => isOff(link.port?.['isolated'])).map(({ name }) => name);
  if (open.length === 0) return null;
  return {
    place: open.map((name) => `${name}.isolated`).join(', '),
    value: 'off',
    text: `${listText(open)} ${open.length === 1 ? 'is' : 'are'} not isolated, so guests reach one another`,
    fix: { changes: isolate(open) },
  };
};

const isolationCost: FixCost = {
  price: 'apart',
  text: 'the guests do not reach each other at all, broadcasts and ARP included',
};

export const notIsolated: Explained = {
  meaning: 'Both ends are guests, and isolated, which takes both ports, is off on one.',
  cause: {
    phrase: (parts) => `${parts.devices} ${verb(parts, 'is', 'are')} not isolated (isolated off)`,
    cost: isolationCost,
    find: findNotIsolated,
    forwards: 'setting',
  },
};

const isolatedOneSidedRule: BridgeRule = ({ guests }) => {
  const isolated = guests.filter((port) => isSettingOn(port.settings, 'isolated') === true);
  const open = guests.filter((port) => isSettingOn(port.settings, 'isolated') === false);
  if (isolated.length === 0 || open.length === 0) return [];
  return open.map((port) => ({
    severity: isolated.length === 1 ? 'high' : 'medium',
    place: `${port.name}.isolated`,
    value: 'off',
    readFrom: readFrom.link,
    text:
      isolated.length === 1
        ? `only ${isolated[0]?.name ?? ''} is isolated, which has no effect alone`
        : `${isolated.length} other guests are isolated; this one reaches all of them and is reached by them`,
    probe: 'known-unicast',
    fix: { changes: isolate([port.name]) },
  }));
};

export const isolatedOneSided: Audited = {
  meaning: 'isolated acts between isolated ports only: one such port is separated from no other.',
  finding: { onBridge: isolatedOneSidedRule, cost: isolationCost },
};

/** A hop (Proxmox, firewall=1) has no other guest, so that flags there act on nothing. */
const proxmoxFirewallPortRule: BridgeRule = ({ name, ports }, { state }) => {
  const [outer, hop] = [...hopsOf(state)].find(([, { bridge }]) => bridge === name) ?? [];
  if (outer === undefined) return [];
  const real = linkNamed(state, outer);
  return ports
    .filter(
      (port) =>
        port.name === hop?.near &&
        isSettingOn(port.settings, 'isolated') === true &&
        real?.port?.['isolated'] === false,
    )
    .map((port) => ({
      severity: 'high',
      place: `${outer}.isolated`,
      value: `off, while ${port.name} has it on`,
      readFrom: readFrom.link,
      text: `isolated on ${port.name} has no effect: between guests the port that counts is ${outer}`,
      probe: 'known-unicast',
      fix: { changes: isolate([outer]) },
    }));
};

export const proxmoxFirewallPort: Audited = {
  meaning: 'With the Proxmox firewall a guest’s port is fwpr…p…: flags of tap…i… and veth…i… do nothing.',
  finding: { onBridge: proxmoxFirewallPortRule, cost: isolationCost },
};

/** br_netfilter's switches, with the families of nft that act by them. */
const families = [
  { sysctl: 'bridge-nf-call-iptables', key: 'nf_call_iptables', name: 'IPv4', nft: ['ip', 'inet'] },
  { sysctl: 'bridge-nf-call-ip6tables', key: 'nf_call_ip6tables', name: 'IPv6', nft: ['ip6', 'inet'] },
  { sysctl: 'bridge-nf-call-arptables', key: 'nf_call_arptables', name: 'ARP', nft: [] },
] as const;
type Family = (typeof families)[number];

/** Its sysctls exist while it is loaded. */
const netfilterModule = 'br_netfilter';

/** A bridge whose frames a family's rules do not see. `idle`: one that drops between its guests, or would. */
interface Skipped {
  readonly value: string;
  readonly idle: NftRule | undefined;
  readonly fix: Fix;
}

function skippedBy({ sysctl, key, nft }: Family, bridge: string, settings: Settings, state: HostState): Skipped | null {
  const path = `net.bridge.${sysctl}`;
  const value = state.sysctl[path];
  if (value === '1' || isSettingOn(settings, key) !== false) return null;
  const idle = dropsWithin(state, bridge).find(({ family }) => nft.some((name) => name === family));
  const load = value === undefined ? [execute('modprobe', netfilterModule)] : [];
  return {
    value: `0, ${path} ${value ?? `absent (${netfilterModule} is not loaded)`}`,
    idle,
    fix:
      idle === undefined
        ? {
            where: 'if such rules are to separate guests',
            changes: [...load, setSysctl(path, '1')],
            also: ', or rules of nft in the family bridge',
          }
        : { changes: [...load, setBridge(bridge, key, true)] },
  };
}

function idleText({ name }: Family, { place }: NftRule, bridge: string): string {
  return `nft ${place} drops what goes from ${bridge} to ${bridge}, and rules of the ${name} firewall do not act on bridged frames`;
}

const findNetfilterSkipped: CauseFinder = (leak) => {
  const { finding, before, bridge, from, to, observer } = leak;
  if (isSteeredAway(leak) || isRouted(leak) || from === null || observer === null || observer.name !== to?.name)
    return null;
  const name = bareName(bridge.name);
  const family = families[finding.carrier.startsWith('ipv6') ? 1 : 0];
  const { value = '', idle, fix = null } = skippedBy(family, name, bridge.bridge ?? {}, before) ?? {};
  if (idle === undefined || !finding.carrier.startsWith('ip')) return null;
  return { place: `${name}.${family.key}`, value, text: idleText(family, idle, name), fix };
};

/** Without br_netfilter, IP rules do not act between guests. */
const netfilterSkippedRule: BridgeRule = ({ name, settings, guests }, { state }) =>
  guests.length < 2
    ? []
    : families.flatMap((family) => {
        const skipped = skippedBy(family, name, settings, state);
        if (skipped === null) return [];
        const { value, idle, fix } = skipped;
        return [
          {
            ...{ place: `${name}.${family.key}`, value, readFrom: 'ip -d link, sysctl', fix },
            severity: idle === undefined ? 'info' : 'high',
            text:
              idle === undefined
                ? `rules of the ${family.name} firewall do not act on frames between guests of one bridge`
                : idleText(family, idle, name),
            probe: idle === undefined ? null : 'known-unicast',
          } as const,
        ];
      });

export const netfilterSkipped: Explained & Audited = {
  meaning: 'Bridged IP does not pass netfilter: a firewall of the host does not separate guests.',
  cause: {
    phrase: ({ place }) => `the rule that keeps guests apart does not act on bridged frames (${place} off)`,
    cost: { price: 'apart', text: 'every rule of that firewall acts on frames between these guests' },
    find: findNetfilterSkipped,
  },
  finding: { onBridge: netfilterSkippedRule },
};

/**
 * Chains that IP and ARP skip if br_netfilter came later: br_nf_hook_thresh (net/bridge/br_netfilter_hooks.c) omits
 * priority 0. Before Linux 6.7 its IP hook has priority -1.
 */
function skippedChains(state: HostState): readonly NftChain[] {
  const tables = ['iptables', 'ip6tables', 'arptables'] as const;
  const isLoaded = [{}, ...state.links.map(({ bridge }) => bridge ?? {})].some((settings) =>
    tables.some((table) => isHandedOver(table, settings, state.sysctl)),
  );
  if (!isLoaded) return [];
  return [...nftRules(state).chains.values()].filter(
    ({ family, hook, fields: { prio } }) => family === 'bridge' && hook === 'forward' && (prio === 0 || prio === -1),
  );
}

/** nft(8). */
const keeping: readonly string[] = ['drop', 'reject', 'jump', 'goto', 'vmap', 'queue'];

const bridgeChainSkippedRule: HostRule = ({ state }) => {
  const { rules } = nftRules(state);
  return skippedChains(state)
    .filter(
      ({ place, fields }) =>
        fields['policy'] === 'drop' ||
        rules.some((rule) => rule.place === place && rule.statements.some(([name]) => keeping.includes(name))),
    )
    .map(({ place, fields: { prio } }) => ({
      severity: 'medium',
      place: `nft ${place}`,
      value: `priority ${String(prio)}`,
      readFrom: 'nft list ruleset, sysctl',
      text: 'IP and ARP pass it by where br_netfilter came after it, as at boot, and IP always before Linux 6.7',
      probe: null,
      fix: advice('give it priority -200 in its file, and load that anew'),
    }));
};

export const bridgeChainSkipped: Audited = {
  meaning: 'IP and ARP may pass by a chain of family bridge that has the priority of br_netfilter.',
  finding: { onHost: bridgeChainSkippedRule },
};

import type { GuestRecord } from '../model/host-config.js';
import type { HostState } from '../model/state.js';
import { formatIp, parseIp } from '../text/ip-address.js';
import { type Fields, fieldsOf, objectsOf, textOf } from '../text/json-text.js';
import type { Neighbour } from './host-topology.js';
import { type NftRule, nftRules } from '../bridge/rules.js';

interface SourceRule {
  readonly chain: string;
  /** Accepted sources, without prefix. */
  readonly addresses: readonly string[];
  readonly mac: string | null;
  readonly port: string | null;
  readonly target: string | null;
}

function textsOf(right: unknown): readonly string[] {
  const set = fieldsOf(right)?.['set'];
  return (Array.isArray(set) ? set : [right]).flatMap((value: unknown) => textOf(value) ?? []);
}

function isField(left: Fields | null, protocols: readonly string[], field: string): boolean {
  const payload = fieldsOf(left?.['payload']);
  return protocols.includes(textOf(payload?.['protocol']) ?? '') && payload?.['field'] === field;
}

function isAddress(text: string): boolean {
  return parseIp(text) !== null && !/^(0\.0\.0\.0|::|fe80:.*)$/.test(text);
}

function sourceRuleOf({ place, table, parts }: NftRule): SourceRule | null {
  const target = parts.flatMap((part) => textOf((fieldsOf(part['jump']) ?? fieldsOf(part['goto']))?.['target']) ?? []);
  const passes = parts.some((part) => 'accept' in part || 'return' in part);
  if (!passes && target.length === 0) return null;
  const matches = objectsOf(parts.map((part) => part['match'])).filter(({ op }) => op === '==' || op === 'in');
  const compared = (isMeant: (left: Fields | null) => boolean): readonly string[] =>
    matches.flatMap(({ left, right }) => (isMeant(fieldsOf(left)) ? textsOf(right) : []));
  const [mac = null] = compared((left) => isField(left, ['ether'], 'saddr'));
  const [port = null] = compared((left) => fieldsOf(left?.['meta'])?.['key'] === 'iifname');
  return {
    chain: place,
    addresses: passes ? compared((left) => isField(left, ['ip', 'ip6'], 'saddr')).filter(isAddress) : [],
    mac: mac?.toLowerCase() ?? null,
    port,
    target: target[0] === undefined ? null : `${table} ${target[0]}`,
  };
}

/** By chain: the ports whose frames get there by rules that name a port. */
function portsByChain(rules: readonly SourceRule[]): ReadonlyMap<string, ReadonlySet<string>> {
  const ports = new Map<string, Set<string>>();
  let waiting = rules.flatMap(({ port, target }) =>
    port === null || target === null ? [] : [[target, port] as const],
  );
  while (waiting.length > 0) {
    waiting = waiting.flatMap(([chain, port]) => {
      const known = ports.get(chain) ?? new Set<string>();
      ports.set(chain, known);
      if (known.has(port)) return [];
      known.add(port);
      return rules.flatMap((rule) =>
        rule.chain === chain && rule.port === null && rule.target !== null ? [[rule.target, port] as const] : [],
      );
    });
  }
  return ports;
}

/**
 * Addresses that filters accept as a guest's: of a MAC, or of the one MAC behind the only port whose frames reach the
 * rule. Managers write such rules against spoofing: Neutron for ports of security groups, libvirt for `clean-traffic`.
 */
export function addressesInRules(state: Pick<HostState, 'nft' | 'fdb'>): readonly Neighbour[] {
  const rules = nftRules(state).rules.flatMap((rule) => sourceRuleOf(rule) ?? []);
  const ports = portsByChain(rules);
  const macOf = ({ mac, port, chain }: SourceRule): string | undefined => {
    if (mac !== null) return mac;
    const [only, ...others] = port === null ? (ports.get(chain) ?? []) : [port];
    const macs = new Set(
      state.fdb.filter((entry) => entry.port === only && entry.state === 'dynamic').map((entry) => entry.mac),
    );
    return others.length === 0 && macs.size === 1 ? [...macs][0] : undefined;
  };
  return rules.flatMap((rule) => {
    const mac = rule.addresses.length === 0 ? undefined : macOf(rule);
    return mac === undefined ? [] : rule.addresses.map((address) => ({ mac, address }));
  });
}

/** True if rules compare MACs in a way that `nft -j` only names, as those of iptables. */
export function hasHiddenMacs(state: Pick<HostState, 'nft'>): boolean {
  return nftRules(state).rules.some(({ parts }) => parts.some(({ xt }) => fieldsOf(xt)?.['name'] === 'mac'));
}

/** As `addressesInRules`, from the text of `nft list ruleset`, which has MAC and address. */
export function addressesInRuleText(text: string): readonly Neighbour[] {
  const [ip, mac] = [String.raw`\bip6? saddr (\S+)`, String.raw`\bether saddr ([0-9a-f:]{17})`];
  const either = new RegExp(`${ip}.* ${mac}|${mac}.* ${ip}`);
  return text.split('\n').flatMap((line) => {
    if (!/ (accept|return)$/.test(line)) return [];
    const [, firstAddress, firstMac, secondMac, secondAddress] = either.exec(line) ?? [];
    const [known, address = ''] = firstMac === undefined ? [secondMac, secondAddress] : [firstMac, firstAddress];
    return known === undefined || !isAddress(address) ? [] : [{ mac: known, address }];
  });
}

/** Loopback, and RFC 4291 2.5.6: the same on every link. */
const isOfLink = /^(127\.|fe[89ab].:)/i;

/**
 * An address of each family, with a guessed prefix: the one that the host talks to, else its manager's, else leased.
 */
export function ipsOf(
  guest: GuestRecord | null,
  mac: string | undefined,
  neighbours: readonly Neighbour[],
): readonly string[] {
  const known = neighbours.filter((neighbour) => neighbour.mac === mac && neighbour.isLeased === undefined);
  const leased = neighbours.filter((neighbour) => neighbour.mac === mac && neighbour.isLeased === true);
  const reported = mac === undefined || mac !== guest?.mac ? [] : guest.ips;
  const texts = [...known.map(({ address }) => address), ...reported, ...leased.map(({ address }) => address)];
  const addresses = texts.flatMap((text) => (isOfLink.test(text) ? [] : (parseIp(text) ?? [])));
  return ([4, 6] as const).flatMap((family) => {
    const found = addresses.find((ip) => ip.family === family);
    return found === undefined ? [] : [`${formatIp(found)}/${family === 4 ? 24 : 64}`];
  });
}

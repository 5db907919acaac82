import type { CarryingRule } from '../../../core/model/timeline.js';
import { netlinkAttributes, netlinkText, type WaitingMessage } from '../../kernel/netlink-socket.js';

/** NFNL_SUBSYS_NFTABLES and NFT_MSG_NEWRULE; RTM_NEWTFILTER of linux/rtnetlink.h. */
const newRule = (10 << 8) | 6;
const newFilter = 44;
/** Behind struct nlmsghdr and struct nfgenmsg, or struct tcmsg (linux/rtnetlink.h). */
const ruleAttributesAt = 20;
const filterAttributesAt = 36;
const tcmsg = { ifindex: 20, info: 32 } as const;
/** NFTA_RULE_TABLE, _CHAIN, _HANDLE, _EXPRESSIONS; NFTA_EXPR_NAME, _DATA (linux/netfilter/nf_tables.h). */
const ruleAttribute = { table: 1, chain: 2, handle: 3, expressions: 4 } as const;
const expressionAttribute = { name: 1, data: 2 } as const;
/** NFTA_META_KEY, _SREG. NFTA_PAYLOAD_BASE, _SREG. With a source register the expression writes. */
const metaAttribute = { key: 2, source: 3 } as const;
const payloadAttribute = { base: 2, source: 5 } as const;
/** NFT_META_PRIORITY, _MARK, _SECMARK. NFT_PAYLOAD_TRANSPORT_HEADER. */
const harmlessMeta: readonly number[] = [2, 3, 14];
const transportHeader = 2;

const families: Readonly<Record<number, string>> = {
  1: 'inet',
  2: 'ip',
  3: 'arp',
  5: 'netdev',
  7: 'bridge',
  10: 'ip6',
};
/** Expressions that move, copy or hand on a packet. `target` is of xtables. */
const carrying: readonly string[] = ['dup', 'fwd', 'queue', 'target', 'tproxy'];
/** tc actions that do so, or write forwarding's fields (tc-actions(8)). */
const carryingActions = [
  ...([
    'bpf',
    'gate',
    'ife',
    'ipt',
    'mirred',
    'mpls',
    'nat',
    'pedit',
    'sample',
    'skbmod',
    'tunnel_key',
    'vlan',
  ] as const),
  'xt',
] as const;
/** TCA_ACT_KIND as an attribute: its length, its type 1 and the name with NUL. */
const actionKinds = carryingActions.map((name) => {
  const header = Buffer.from([5 + name.length, 0, 1, 0]);
  return { name, bytes: Buffer.concat([header, Buffer.from(`${name}\0`, 'latin1')]) };
});

/** Attributes of a list may share a type (NFTA_LIST_ELEM). */
function* listed(bytes: Buffer): Generator<ReadonlyMap<number, Buffer>> {
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) return;
    yield netlinkAttributes(bytes.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
}

function big(value: Buffer | undefined): number | null {
  return value?.length === 4 ? value.readUInt32BE(0) : null;
}

function carryingName(expression: ReadonlyMap<number, Buffer>): string | null {
  const name = netlinkText(expression.get(expressionAttribute.name) ?? Buffer.alloc(0));
  const data = netlinkAttributes(expression.get(expressionAttribute.data) ?? Buffer.alloc(0));
  if (carrying.includes(name)) return name;
  if (name === 'meta' && data.has(metaAttribute.source))
    return harmlessMeta.includes(big(data.get(metaAttribute.key)) ?? -1) ? null : 'meta set';
  if (name === 'payload' && data.has(payloadAttribute.source))
    return big(data.get(payloadAttribute.base)) === transportHeader ? null : 'payload set';
  return null;
}

function carryingRule(bytes: Buffer, family: number): readonly CarryingRule[] {
  const attributes = netlinkAttributes(bytes.subarray(ruleAttributesAt));
  const text = (type: number): string => netlinkText(attributes.get(type) ?? Buffer.alloc(0));
  const handle = attributes.get(ruleAttribute.handle);
  const expressions = attributes.get(ruleAttribute.expressions);
  const names = expressions === undefined ? [] : [...listed(expressions)].flatMap((parts) => carryingName(parts) ?? []);
  const number = handle?.length === 8 ? String(handle.readBigUInt64BE(0)) : '';
  const place = `${families[family] ?? String(family)} ${text(ruleAttribute.table)} ${text(ruleAttribute.chain)}`;
  return [...new Set(names)].map((name) => ({ what: `nft ${name}`, place, rule: `${place} ${number}` }));
}

function carryingFilter(bytes: Buffer): readonly CarryingRule[] {
  if (bytes.length < filterAttributesAt) return [];
  const ifindex = bytes.readInt32LE(tcmsg.ifindex);
  const preference = bytes.readUInt32LE(tcmsg.info) >>> 16;
  const kind = netlinkText(netlinkAttributes(bytes.subarray(filterAttributesAt)).get(1) ?? Buffer.alloc(0));
  const actions = actionKinds.filter((action) => bytes.includes(action.bytes)).map(({ name }) => `action ${name}`);
  const names = kind === 'bpf' ? ['filter bpf', ...actions] : actions;
  const place = `interface ${ifindex} pref ${preference}`;
  return names.map((name) => ({ what: `tc ${name}`, place, rule: `${ifindex} ${preference}` }));
}

/** Rules that carry frames elsewhere or choose their receiver. */
export function carryingRules({ type, family, bytes }: WaitingMessage): readonly CarryingRule[] {
  if (type === newRule) return carryingRule(bytes, family);
  return type === newFilter ? carryingFilter(bytes) : [];
}

import { effective, forwardChains, lowerGuests, placed, routedGuests, segmentsBeside } from '../../bridge/beside.js';
import { advice, execute, setSysctl } from '../../bridge/changes.js';
import type { HostRule } from '../rule.js';

/** Guests, and bridges elsewhere, of which a run on the bridges here says nothing. */
export const guestsUnbridgedRule: HostRule = ({ state, beside }) =>
  beside === undefined
    ? []
    : segmentsBeside(state, beside).map(({ place, value, text, command }) => ({
        severity: 'info',
        place,
        value,
        readFrom: 'ip -d link, ip route',
        text,
        probe: null,
        fix: command === null ? null : advice(command),
      }));

/** Nothing checks whose address a guest without a bridge sends from (RFC 3704, strict reverse path forwarding). */
export const routedSpoofableRule: HostRule = ({ state, beside }) =>
  beside === undefined
    ? []
    : routedGuests(state, beside)
        .filter(({ device }) => effective(beside, device, 'rp_filter') !== 1)
        .map(({ device }) => ({
          severity: 'medium',
          place: `net.ipv4.conf.${device}.rp_filter`,
          value: String(effective(beside, device, 'rp_filter')),
          readFrom: 'sysctl',
          text: 'the guest behind it may send from addresses of other guests: only 1 asks whether the way back leads to it',
          probe: null,
          // the larger value counts: a loose `all` has to go first
          fix: {
            changes: [
              setSysctl(
                `net.ipv4.conf.${effective(beside, 'all', 'rp_filter') === 2 ? 'all' : device.replaceAll('.', '/')}.rp_filter`,
                '1',
              ),
            ],
          },
        }));

/** The host forwards among guests without a bridge, and no chain decides. */
export const routedOpenRule: HostRule = ({ state, beside }) => {
  if (beside === undefined || state.sysctl['net.ipv4.ip_forward'] !== '1') return [];
  const guests = routedGuests(state, beside);
  if (guests.length < 2 || forwardChains(state).forward.length > 0) return [];
  return [
    {
      severity: 'low',
      place: 'net.ipv4.ip_forward',
      value: '1',
      readFrom: 'sysctl, nft list ruleset',
      text: `${guests.length} guests without a bridge reach each other through the host: no chain of nft at the hook forward decides`,
      probe: null,
      fix: advice('a chain of nft at the hook forward that drops what goes from one guest to another'),
    },
  ];
};

const local = [
  ['accept_local', 'the guest behind it may send from addresses of the host itself'],
  ['route_localnet', 'what only listens on 127.0.0.0/8 of the host is within reach of the guest behind it'],
] as const;

/** What a guest without a bridge gets to of the host itself. */
export const routedLocalRule: HostRule = ({ state, beside }) =>
  beside === undefined
    ? []
    : routedGuests(state, beside).flatMap(({ device }) =>
        local
          .filter(([key]) => effective(beside, device, key) > 0)
          .map(([key, text]) => ({
            severity: 'medium' as const,
            place: `net.ipv4.conf.${device}.${key}`,
            value: String(effective(beside, device, key)),
            readFrom: 'sysctl',
            text,
            probe: null,
            fix: { changes: [setSysctl(`net.ipv4.conf.${device.replaceAll('.', '/')}.${key}`, '0')] },
          })),
      );

/**
 * Two of one lower device in mode bridge reach each other within the kernel: neither a setting of a bridge, nor a rule
 * of nft's family bridge, nor the switch beyond the NIC sees their frames. `private` and `vepa` hand nothing over here
 * (ip-link(8), "MACVLAN and MACVTAP Type Support").
 */
export const macvlanBridgeRule: HostRule = ({ state, beside }) => {
  const guests = lowerGuests(state, beside).filter(
    ({ kind, mode }) => (kind === 'macvtap' || kind === 'macvlan') && mode === 'bridge',
  );
  return [...new Set(guests.map(({ lower }) => lower))].flatMap((lower) => {
    const own = guests.filter((guest) => guest.lower === lower);
    if (own.length < 2) return [];
    return [
      {
        severity: 'medium',
        place: lower,
        value: own.map(placed).join(own.every(({ space }) => space === null) ? ' ' : ', '),
        readFrom: 'ip -d link',
        text: 'these guests reach each other within the kernel, past bridges, their rules and the switch (mode bridge)',
        probe: null,
        fix: {
          changes: own.map(({ name, kind, space }) =>
            execute(
              ...(space === null ? [] : ['nsenter', `--net=${space}`]),
              ...['ip', 'link', 'set', 'dev', name, 'type', kind, 'mode', 'private'],
            ),
          ),
        },
      },
    ];
  });
};

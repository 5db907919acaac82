import { linkNamed } from '../host.js';
import { isOnDevice, passingOf, sharesMac } from '../../model/attach.js';
import type { Change, Fix } from '../../model/fabric.js';
import type { Observer } from '../../model/plan.js';
import type { HostState } from '../../model/state.js';
import { deviceText, type LowerGuest, lowerGuests } from '../beside.js';
import type { Endpoint } from '../../model/scenario.js';
import { advice, execute, setPort } from '../changes.js';
import { isUnicast, type RowContext } from '../row-context.js';
import { isOn } from '../setting-value.js';
import type { Audited, CauseFinder, Explained, HostRule } from '../weakness.js';

declare module '../../model/codes.js' {
  interface Weaknesses {
    readonly 'macvlan-bridge': 'cause' | 'finding';
    readonly 'above-bridge': 'cause';
  }
}

function sentBack(by: NonNullable<Observer['by']>, observer: string, state: HostState): ReturnType<CauseFinder> {
  if (isOnDevice(by))
    return {
      place: by.lower,
      value: `mode ${by.mode}`,
      text: `the kernel hands nothing from one guest on ${by.lower} to another in this mode: the switch beyond sends frames back (hairpin, reflective relay), or a tc rule at ${by.lower} redirects them`,
      fix: null,
    };
  const port = linkNamed(state, by.port)?.port ?? {};
  if (!isOn(port['hairpin'])) return null;
  return {
    place: `${by.port}.hairpin`,
    value: 'on',
    text: `${by.port} sends frames back to ${by.lower}, from which they came: they reach ${observer}, which stands on it too, past its mode ${by.mode}`,
    fix: { changes: [setPort(by.port, 'hairpin', false)] },
  };
}

function within(space: string | null): readonly string[] {
  return space === null ? [] : ['nsenter', `--net=${space}`];
}

/** `space` null = the host's. */
function setPrivate({ name, kind, space, mode }: Pick<LowerGuest, 'name' | 'kind' | 'space' | 'mode'>): Change {
  const words = kind === 'ipvlan' ? [mode, 'private'] : ['private'];
  return execute(...within(space), ...['ip', 'link', 'set', 'dev', name, 'type', kind, 'mode', ...words]);
}

const lowerForEach = advice('give guests that are to be kept apart lower devices of their own, such as VLAN devices');

/** An ipvlan's flag is the lower device's and acts on all its guests, also those of one zone. */
function fixAt(from: Endpoint, below: NonNullable<Endpoint['below']>, { endpoints }: RowContext): Fix {
  const changed = ({ port, name, netns, attach, below: { device, mode } = below }: Endpoint): Fix => ({
    changes: [
      setPrivate({ name: device ?? port ?? name, kind: attach, space: device === undefined ? null : netns, mode }),
    ],
  });
  if (!sharesMac(from.attach)) return changed(from);
  const sharing = endpoints.filter((endpoint) => endpoint.below?.lower === below.lower);
  const zones = sharing.flatMap(({ zone }) => zone ?? []);
  return new Set(zones).size < zones.length ? lowerForEach : changed(sharing[0] ?? from);
}

/**
 * Mode l2 copies groups to all guests, whatever the flag (ipvlan_xmit_mode_l2 and ipvlan_process_multicast,
 * drivers/net/ipvlan).
 */
function copiedToAll(by: NonNullable<Observer['by']>, row: RowContext): ReturnType<CauseFinder> {
  if (by.mode !== 'l2' || row.dstMac === null || isUnicast(row)) return null;
  return {
    place: by.lower,
    value: `${by.mode} ${passingOf(by)}`,
    text: `an ipvlan in mode l2 copies broadcast and multicast to all guests of ${by.lower}, whatever its flag: only lower devices of their own keep guests from it`,
    fix: null,
  };
}

/**
 * Mode bridge delivers unicast by MAC and broadcasts to all (macvlan_queue_xmit, drivers/net/macvlan.c). Other modes
 * hand over hairpinned unicast, private too (macvlan_handle_frame).
 */
const findMacvlanBridge: CauseFinder = (row) => {
  const { observer, from, before } = row;
  const by = observer?.by;
  if (by === undefined || from?.below?.lower !== by.lower) return null;
  const copied = copiedToAll(by, row);
  if (copied !== null) return copied;
  if ([by, from.below].some((below) => passingOf(below) !== 'bridge'))
    return sentBack(by, observer?.name ?? '', before);
  const device = from.port ?? from.name;
  return {
    place: `${device}.mode`,
    value: 'bridge',
    text: `${from.name} (${device}) and ${observer?.name ?? ''} stand on ${by.lower} in mode bridge: the kernel hands frames from one to the other, past the bridge and the switch`,
    fix: fixAt(from, from.below, row),
  };
};

/**
 * In mode bridge no setting, nft rule or switch sees these frames. `private` and `vepa` hand nothing over (ip-link(8)).
 */
const macvlanBridgeRule: HostRule = ({ state, beside }) => {
  const guests = lowerGuests(state, beside).filter(isHandedOver);
  return [...new Set(guests.map(({ lower }) => lower))].flatMap((lower) => {
    const sharing = guests.filter((guest) => guest.lower === lower);
    if (sharing.length < 2) return [];
    return [
      {
        severity: 'medium',
        place: lower,
        value: sharing.map(deviceText).join(sharing.every(({ space }) => space === null) ? ' ' : ', '),
        readFrom: 'ip -d link',
        text: 'these guests reach each other within the kernel, past bridges, their rules and the switch (mode bridge)',
        probe: null,
        fix: {
          // The flag of an ipvlan is the lower device's
          changes: sharing.filter(({ kind }, at) => kind !== 'ipvlan' || at === 0).map(setPrivate),
        },
      },
    ];
  });
};

/** An ipvlan's flag is known elsewhere only. */
function isHandedOver({ kind, mode, flag, space }: LowerGuest): boolean {
  if (kind === 'ipvlan') return space !== null && flag === undefined;
  return (kind === 'macvtap' || kind === 'macvlan') && mode === 'bridge';
}

export const macvlanBridge: Explained & Audited = {
  meaning:
    'Guests on one lower device (macvlan, macvtap, ipvlan in bridge mode) reach each other past bridges, rules and switch. In other modes frames come back where its port has hairpin on; an ipvlan in l2 copies broadcast to all.',
  cause: {
    phrase: ({ place, value }) =>
      value.startsWith('mode ')
        ? `frames come back to ${place} from the switch beyond it`
        : `frames get from one guest of a lower device to another (${place})`,
    cost: { price: 'apart', text: 'guests of the lower device do not reach each other by it' },
    find: findMacvlanBridge,
  },
  finding: { onHost: macvlanBridgeRule },
};

/**
 * Source mode passes listed senders, passthru cannot be left (macvlan_changelink), and other modes keep broadcasts: the
 * device has to go.
 */
function cutOffChanges({ name, space, kind, mode }: NonNullable<Observer['device']>): readonly Change[] {
  const source = ['ip', 'link', 'set', 'dev', name, 'type', kind, 'macaddr', 'flush'];
  const gone = ['ip', 'link', 'del', 'dev', name];
  return [execute(...within(space), ...(mode === 'source' ? source : gone))];
}

/**
 * A macvlan or ipvlan gets copies (macvlan_handle_frame, drivers/net/macvlan.c), all frames in passthru mode. A VLAN
 * device gets tagged ones.
 */
const findAboveBridge: CauseFinder = ({ observer, bridge }) => {
  if (observer?.place !== 'above' || observer.by !== undefined) return null;
  const [device = observer.name, lower = bridge.name] = observer.name.split('@');
  return {
    place: device,
    value: `on ${lower}`,
    text: `${device} stands on ${lower}: it gets what ${lower} gets, and is no port that a setting of ${bridge.name} could close`,
    fix: observer.device === undefined ? null : { changes: cutOffChanges(observer.device) },
  };
};

export const aboveBridge: Explained = {
  meaning:
    'The observer is a macvlan, a macsec or another device on the bridge or a port. It gets what the device below gets, whatever the ports are set to.',
  cause: {
    phrase: ({ place, value }) => `${place} stands ${value} and gets what that gets`,
    cost: ({ changes = [] }) =>
      changes.some((change) => change.kind === 'run' && change.argv.includes('flush'))
        ? { price: 'share', text: 'the device gets frames of no sender until some are listed again' }
        : { price: 'cutOff', text: 'the user of the device is cut off; give it a port of its own' },
    find: findAboveBridge,
  },
};

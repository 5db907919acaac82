import { describeHolders } from '../../../core/bridge/view.js';
import { chooseBridge, foundScenario } from '../../../core/discover/found-scenario.js';
import type { Neighbour } from '../../../core/discover/host-topology.js';
import { addressesInRules } from '../../../core/discover/recorded-addresses.js';
import { addressesBeside } from '../../../core/discover/twin/copied-neighbours.js';
import { copiedTables, isReadable } from '../../../core/discover/twin/copied-tables.js';
import { type Twin, twinScenario } from '../../../core/discover/twin/scenario.js';
import { netnsPath } from '../../../core/model/fabric.js';
import type { Inventory } from '../../../core/model/host-config.js';
import type { ProbeClassName } from '../../../core/model/scenario.js';
import type { Snapshot } from '../../../core/model/state.js';
import { fieldsOf, objectsOf, textOf } from '../../../core/text/json-text.js';
import { parseNeighbours } from '../../../system/fabric/host/find.js';
import { mustRun, readJson } from '../../../system/process/programs.js';
import { readKeepers } from '../../../system/state/read-keepers.js';
import { readLeases } from '../../../system/state/read-leases.js';
import { readInventory } from '../../../system/state/read-inventory.js';
import { readSnapshot } from '../../../system/state/read-snapshot.js';
import type { Remarks } from '../scenario/load-files.js';

/** A live bridge's twin, not yet built. */
export interface ReadTwin {
  readonly twin: Twin;
  readonly bridge: string;
  readonly ports: ReadonlySet<string>;
  readonly rules: string;
  readonly remarks: Remarks;
}

/** Rules against spoofing, leases and managers record addresses beside bridges' answers. */
function recordedAddresses(state: Snapshot['state'], { guests }: Inventory): readonly Neighbour[] {
  const managed = guests.flatMap(({ mac, ips }) => (mac === null ? [] : ips.map((address) => ({ mac, address }))));
  return [...managed, ...addressesInRules(state), ...readLeases()];
}

/** The lab has none of these processes. */
function sniffers({ state, packetSockets }: Snapshot, bridge: string): readonly string[] {
  const devices = new Map(
    state.links
      .filter(({ name, master }) => name === bridge || master === bridge)
      .map(({ ifindex, name }) => [ifindex, name]),
  );
  return (packetSockets ?? [])
    .filter(
      ({ own: isOwn, protocol, ifindex }) => !isOwn && protocol === '0003' && (ifindex === 0 || devices.has(ifindex)),
    )
    .map(
      (socket) =>
        `a packet socket of ${describeHolders([socket])} that hears ${devices.get(socket.ifindex) ?? 'all interfaces'}`,
    );
}

/** Reads a live bridge without changes or frames. VerifyError as `init`. */
export async function readTwin(options: {
  readonly bridge: string | undefined;
  readonly netns: string | undefined;
  readonly classes: readonly ProbeClassName[];
}): Promise<ReadTwin> {
  const netns = netnsPath(options.netns ?? null);
  const [snapshot, neighbours] = await Promise.all([
    readSnapshot({ netns, complete: false }),
    readJson(['ip', '-j', 'neigh', 'show'], { netns }),
  ]);
  const { state } = snapshot;
  const bridge = chooseBridge(state, options.bridge ?? null);
  // As in a run on a host: configurations are the machine's, and interfaces of another namespace may have the same
  // names.
  const [inventory, configured] = await Promise.all([
    readInventory(state, netns),
    netns === null ? readKeepers(state) : null,
  ]);
  const discovered = foundScenario({
    state,
    neighbours: addressesBeside(state, parseNeighbours(neighbours), recordedAddresses(state, inventory)),
    inventory,
    bridge,
    netns: null,
    inLab: true,
  });
  const ports = new Set(Object.values(discovered.scenario.topology.endpoints).map(({ port }) => port));
  const { rules, missing: missingTables } = await readTables(state, new Set([bridge, ...ports]), netns);
  const missing = [
    'the guests themselves: each is a network namespace with its MAC and address, and nothing that the guest filters',
    ...discovered.notes,
    ...missingTables,
    ...sniffers(snapshot, bridge),
    ...[...state.unread, ...(configured?.unread ?? [])].map(({ what, why }) => `${what} could not be read: ${why}`),
  ];
  const twin = twinScenario({
    discovered,
    state,
    bridge,
    ...(await readAddresses(bridge, netns)),
    hasRules: rules !== '',
    keepers: configured?.keepers ?? [],
    classes: options.classes,
    missing,
  });
  const notes = [
    `Twin of ${bridge}, read from the live bridge. Not in it:`,
    ...twin.missing.map((text) => `- ${text}`),
  ];
  return {
    twin,
    bridge,
    ports,
    rules,
    remarks: { notes, origins: discovered.origins, sentences: discovered.sentences },
  };
}

async function readTables(
  state: Snapshot['state'],
  devices: ReadonlySet<string>,
  netns: string | null,
): Promise<{ readonly rules: string; readonly missing: readonly string[] }> {
  const { tables, missing } = copiedTables(state, devices);
  const texts = await Promise.all(
    tables.map(async ({ family, name }) => ({
      family,
      name,
      text: await mustRun(['nft', 'list', 'table', family, name], { netns }),
    })),
  );
  const readable = texts.filter(({ text }) => isReadable(text));
  const unreadable = texts.filter(({ text }) => !isReadable(text));
  return {
    rules: readable.map(({ text }) => text).join('\n'),
    missing: [
      ...missing,
      ...unreadable.map(
        ({ family, name }) => `the nft table ${family} ${name}: extensions of ebtables or iptables carry it out`,
      ),
    ],
  };
}

async function readAddresses(
  bridge: string,
  netns: string | null,
): Promise<{ readonly addresses: readonly string[]; readonly neighbours: ReturnType<typeof parseNeighbours> }> {
  const [addresses, neighbours] = await Promise.all([
    readJson(['ip', '-j', 'address', 'show', 'dev', bridge], { netns }),
    readJson(['ip', '-j', 'neigh', 'show', 'dev', bridge], { netns }),
  ]);
  return { addresses: addressesIn(addresses), neighbours: parseNeighbours(neighbours) };
}

function addressesIn(json: unknown): readonly string[] {
  return objectsOf(json)
    .flatMap((link) => objectsOf(link['addr_info']))
    .flatMap((address) => {
      const [local, scope] = [textOf(address['local']), textOf(address['scope'])];
      const length = fieldsOf(address)?.['prefixlen'];
      return local === null || scope !== 'global' || typeof length !== 'number' ? [] : [`${local}/${length}`];
    });
}

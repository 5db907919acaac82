import { setTimeout as sleep } from 'node:timers/promises';
import { holdsPromiscuous, type PacketSocket, receives } from '../../core/model/packet-socket.js';
import { type HostState, type Snapshot } from '../../core/model/state.js';
import { assertKnown } from '../../core/model/verify-error.js';
import { readOvs } from './ovs/read.js';
import { readBeside } from './read-beside.js';
import { readManagers } from './read-managers.js';
import { readPacketSockets, unreadSockets } from './read-packet-sockets.js';
import { readPromiscuousLog, readVmnet } from './read-vmnet.js';
import { forwardingSysctls, readState } from './read.js';
import { given } from '../../core/text/collections.js';

export interface SnapshotOptions {
  /** null = the caller's. */
  readonly netns: string | null;
  /** Adds slow and stable parts: the kernel's log, Open vSwitch, configuration. */
  readonly complete: boolean;
  readonly beside?: boolean;
}

/** Sends nothing. Rejects with VerifyError (69) if links cannot be read. */
export async function readSnapshot({ netns, complete, beside = false }: SnapshotOptions): Promise<Snapshot> {
  const unread: { what: string; why: string }[] = [];
  const orUnread = async <T>(what: string, read: Promise<T>): Promise<T | null> => {
    try {
      return await read;
    } catch (error) {
      assertKnown(error);
      unread.push({ what, why: error.message });
      return null;
    }
  };
  const [state, promiscuousLog, ovs, around] = await Promise.all([
    readState({ netns, sysfs: netns === null, sysctl: forwardingSysctls, routing: beside }),
    complete ? readPromiscuousLog() : null,
    complete && netns === null ? orUnread('ovs', readOvs()) : null,
    beside ? orUnread('beside', readBeside(netns)) : null,
  ]);
  // A configuration is the machine's: other namespaces may use the same names.
  const configured = complete && netns === null ? await readManagers(state) : null;
  unread.push(...(configured?.unread ?? []));
  const packetSockets = await settledSockets(netns, state);
  if (packetSockets === null) unread.push(unreadSockets);
  return {
    state: { ...state, unread: [...state.unread, ...unread] },
    packetSockets,
    promiscuousLog,
    vmnet: readVmnet(),
    ovs,
    ...given({ beside: around, keepers: configured?.keepers }),
  };
}

/** Opening or closing a socket takes a millisecond on an idle machine, some hundred on a busy one. */
const settleMs = 1000;
const settleStepMs = 60;

async function settledSockets(netns: string | null, { links }: HostState): Promise<Snapshot['packetSockets']> {
  const bridges = links
    .filter(({ bridge, promiscuity }) => bridge !== null && (promiscuity ?? 0) > 0)
    .map(({ ifindex }) => ifindex);
  let sockets = readPacketSockets(netns);
  for (
    let waited = 0;
    waited < settleMs && sockets !== null && (isClosing(sockets) || isOpening(sockets, bridges));
    waited += settleStepMs
  ) {
    await sleep(settleStepMs);
    sockets = readPacketSockets(netns);
  }
  return sockets;
}

/** The kernel takes 24 ms to close an ended process's socket. */
function isClosing(sockets: readonly PacketSocket[]): boolean {
  return sockets.some((socket) => socket.holders.length === 0 && receives(socket));
}

/** libpcap makes the device promiscuous before it binds its socket: until then no socket seems to hold the bridge. */
function isOpening(sockets: readonly PacketSocket[], promiscuous: readonly number[]): boolean {
  return (
    promiscuous.some((bridge) => !sockets.some((socket) => holdsPromiscuous(socket, bridge))) &&
    sockets.some((socket) => socket.ifindex === 0 && !receives(socket))
  );
}

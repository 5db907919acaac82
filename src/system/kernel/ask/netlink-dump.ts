import { closeSync, writeSync } from 'node:fs';
import {
  type NETLINK_NETFILTER,
  type NETLINK_ROUTE,
  type NETLINK_SOCK_DIAG,
  netlinkMessages,
  openNetlinkIfThere,
  readNetlink,
} from '../netlink-socket.js';

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
/** NLM_F_REQUEST, NLM_F_DUMP (netlink(7)). */
const requestFlag = 0x001;
const dumpFlags = 0x300;
/** NLM_F_DUMP_INTR: the list changed meanwhile, and entries may be missing or doubled. */
const interruptedFlag = 0x10;
const maxDumps = 10;
const waitMs = 2000;
const headerLength = 16;

/** A message with its header. */
export interface NetlinkAnswer {
  readonly type: number;
  readonly bytes: Buffer;
}

/** Asks in the namespace it was opened in. */
export interface NetlinkAsker {
  readonly fd: number;
  /** null = refused or lost. `absent`: errnos for an empty answer. */
  ask(type: number, body: Uint8Array, how: 'dump' | 'one', absent?: readonly number[]): readonly NetlinkAnswer[] | null;
  close(): void;
}

type Family = typeof NETLINK_ROUTE | typeof NETLINK_NETFILTER | typeof NETLINK_SOCK_DIAG;

/** In the calling thread's network namespace. null = not permitted, or no such family. */
export function openNetlinkAsker(family: Family): NetlinkAsker | null {
  const asker = openAskerIfThere(family);
  return asker === 'absent' ? null : asker;
}

/** As `openNetlinkAsker`. `absent` = no such family, null = not permitted. */
export function openAskerIfThere(family: Family): NetlinkAsker | 'absent' | null {
  const opened = openNetlinkIfThere({ family, groups: [], waitMs });
  if (opened === null) return 'absent';
  return 'refused' in opened ? null : netlinkAsker(opened.fd);
}

/** Asks on an open socket, which it takes over. */
export function netlinkAsker(fd: number): NetlinkAsker {
  const buffer = Buffer.alloc(1 << 16);
  let sequence = 0;
  const askOnce = (type: number, body: Uint8Array, how: 'dump' | 'one'): Outcome => {
    sequence += 1;
    const request = Buffer.alloc(headerLength + body.length);
    request.writeUInt32LE(request.length, 0);
    request.writeUInt16LE(type, 4);
    request.writeUInt16LE(how === 'dump' ? requestFlag | dumpFlags : requestFlag, 6);
    request.writeUInt32LE(sequence, 8);
    request.set(body, headerLength);
    try {
      writeSync(fd, request);
    } catch {
      return 'lost';
    }
    return readOutcome(fd, buffer, sequence, how);
  };
  return {
    fd,
    ask(type, body, how, absent = []) {
      for (let dumps = 0; dumps < maxDumps; dumps += 1) {
        const outcome = askOnce(type, body, how);
        if (typeof outcome === 'number') return absent.includes(outcome) ? [] : null;
        if (typeof outcome !== 'string') return outcome;
        if (outcome === 'lost') return null;
      }
      return null;
    },
    close: () => closeSync(fd),
  };
}

type Outcome = readonly NetlinkAnswer[] | number | 'interrupted' | 'lost';

function readOutcome(fd: number, buffer: Buffer, sequence: number, how: 'dump' | 'one'): Outcome {
  const answers: NetlinkAnswer[] = [];
  let isInterrupted = false;
  for (;;) {
    const wanted = readNetlink(fd, buffer);
    if (typeof wanted === 'string') return 'lost';
    for (const message of netlinkMessages(buffer, wanted)) {
      if (message.sequence !== sequence) continue;
      isInterrupted ||= (message.flags & interruptedFlag) !== 0;
      if (message.type === NLMSG_DONE || message.type === NLMSG_ERROR) {
        // both have an errno: of a list that the kernel could not finish it is the end
        const code = buffer.readInt32LE(message.at + headerLength);
        if (code !== 0) return -code;
        return isInterrupted ? 'interrupted' : answers;
      }
      const bytes = Buffer.from(buffer.subarray(message.at, message.at + message.length));
      answers.push({ type: message.type, bytes });
      if (how === 'one') return answers;
    }
  }
}

import { closeSync, writeSync } from 'node:fs';
import {
  type NETLINK_NETFILTER,
  type NETLINK_ROUTE,
  type NETLINK_SOCK_DIAG,
  netlinkMessages,
  openNetlinkIfAllowed,
  readNetlink,
} from '../netlink-socket.js';

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
/** NLM_F_REQUEST, and NLM_F_DUMP beside it (netlink(7)). */
const requestFlag = 0x001;
const dumpFlags = 0x300;
/** The kernel answers at once; where it does not, nothing is known. */
const waitMs = 2000;
const headerLength = 16;

/** A message of an answer, header included. */
export interface NetlinkAnswer {
  readonly type: number;
  readonly bytes: Buffer;
}

/** A socket that questions are asked on, in the namespace in which it was opened. */
export interface NetlinkAsker {
  readonly fd: number;
  /** All messages of the answer to a question of that type; null = the kernel refuses, or something was lost. */
  ask(type: number, body: Uint8Array, how: 'dump' | 'one'): readonly NetlinkAnswer[] | null;
  close(): void;
}

/** Opens it in the calling thread's network namespace; null = this user, or this kernel, has no such socket. */
export function openNetlinkAsker(
  family: typeof NETLINK_ROUTE | typeof NETLINK_NETFILTER | typeof NETLINK_SOCK_DIAG,
): NetlinkAsker | null {
  const fd = openNetlinkIfAllowed({ family, groups: [], waitMs });
  if (fd === null) return null;
  const buffer = Buffer.alloc(1 << 16);
  let sequence = 0;
  return {
    fd,
    ask(type, body, how) {
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
        return null;
      }
      const answers: NetlinkAnswer[] = [];
      for (;;) {
        const wanted = readNetlink(fd, buffer);
        if (typeof wanted === 'string') return null;
        for (const message of netlinkMessages(buffer, wanted)) {
          if (message.type === NLMSG_DONE) return answers;
          if (message.type === NLMSG_ERROR) return null;
          const bytes = Buffer.from(buffer.subarray(message.at, message.at + message.length));
          answers.push({ type: message.type, bytes });
          if (how === 'one') return answers;
        }
      }
    },
    close: () => closeSync(fd),
  };
}

import { libc } from './libc.js';
import { inNamespace } from './namespaces.js';
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM } from './socket-constants.js';

/** linux/sockios.h */
const SIOCETHTOOL = 0x8946;
/** struct ifreq: the name in 16 bytes, then a union of which the first 8 hold a pointer here. */
const ifreqLength = 40;
const nameLength = 16;

/**
 * Carries out one command of struct ethtool_value (linux/ethtool.h) with its data; gives the data back, or the name of
 * what the kernel refused it with.
 */
export type AskEthtool = (device: string, command: number, data: number) => number | string;

/** Runs `fn` with a socket in a network namespace; null = the caller's. */
export function withEthtool<T>(netns: string | null, fn: (ask: AskEthtool) => T): T {
  const c = libc();
  return inNamespace(netns, () => {
    const fd = c.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    try {
      return fn((device, command, data) => {
        const value = Buffer.alloc(8);
        value.writeUInt32LE(command, 0);
        value.writeUInt32LE(data, 4);
        const request = Buffer.alloc(ifreqLength);
        request.write(device, 0, nameLength - 1, 'utf8');
        request.writeBigUInt64LE(c.addressOf(value), nameLength);
        return c.ioctl(fd, SIOCETHTOOL, request) === 0 ? value.readUInt32LE(4) : c.errnoName(c.errno());
      });
    } finally {
      c.close(fd);
    }
  });
}

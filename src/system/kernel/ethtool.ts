import { libc } from './libc.js';
import { inNamespace } from './namespaces.js';
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM } from './socket-constants.js';

/** linux/sockios.h */
const SIOCETHTOOL = 0x8946;
/** struct ifreq: 16 bytes of name, then a union beginning with an 8-byte pointer. */
const ifreqLength = 40;
const nameLength = 16;

/** Runs a command of struct ethtool_value (linux/ethtool.h); returns its data, or the errno's name. */
export type AskEthtool = (device: string, command: number, data: number) => number | string;

/** Runs a command on a struct beginning with its number, in place; null = done, else the errno's name. */
export type EthtoolCall = (device: string, command: number, value: Buffer) => string | null;

function callsOn(fd: number): EthtoolCall {
  const c = libc();
  return (device, command, value) => {
    value.writeUInt32LE(command, 0);
    const request = Buffer.alloc(ifreqLength);
    request.write(device, 0, nameLength - 1, 'utf8');
    request.writeBigUInt64LE(c.addressOf(value), nameLength);
    return c.ioctl(fd, SIOCETHTOOL, request) === 0 ? null : c.errnoName(c.errno());
  };
}

function withCalls<T>(netns: string | null, fn: (call: EthtoolCall) => T): T {
  const c = libc();
  return inNamespace(netns, () => {
    const fd = c.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    try {
      return fn(callsOn(fd));
    } finally {
      c.close(fd);
    }
  });
}

/** Opens a socket in a network namespace (null = the caller's). */
export function withEthtool<T>(netns: string | null, fn: (ask: AskEthtool) => T): T {
  return withCalls(netns, (call) =>
    fn((device, command, data) => {
      const value = Buffer.alloc(8);
      value.writeUInt32LE(data, 4);
      return call(device, command, value) ?? value.readUInt32LE(4);
    }),
  );
}

/** ETHTOOL_GDRVINFO, and struct ethtool_drvinfo with 32 bytes of name. */
const [getDriver, driverAt, driverInfoLength] = [0x03, 4, 196];

/** A driver such as `veth`. null = not reported. */
export function driverOf(fd: number, device: string): string | null {
  const info = Buffer.alloc(driverInfoLength);
  if (callsOn(fd)(device, getDriver, info) !== null) return null;
  const [name = ''] = featureNames(info.subarray(driverAt, driverAt + stringLength));
  return name;
}

/** ETHTOOL_GSTRINGS, ETHTOOL_GSSET_INFO, ETHTOOL_GFEATURES and ETH_SS_FEATURES of linux/ethtool.h. */
const [getStrings, getSetInfo, getFeatures, featureStrings] = [0x1b, 0x37, 0x3a, 4];
/** ETH_GSTRING_LEN. */
const stringLength = 32;
/** struct ethtool_get_features_block: available, requested, active, never_changed. */
const block = { length: 16, active: 8 } as const;

/** Features in bit order, from ETHTOOL_GSTRINGS. */
export function featureNames(strings: Buffer): readonly string[] {
  const count = Math.floor(strings.length / stringLength);
  return Array.from({ length: count }, (_, at) => {
    const name = strings.toString('latin1', at * stringLength, (at + 1) * stringLength);
    return name.slice(0, (name + '\0').indexOf('\0'));
  });
}

/** Active features, from ETHTOOL_GFEATURES. */
export function activeFeatures(blocks: Buffer, names: readonly string[]): readonly string[] {
  return names.filter((name, bit) => {
    const at = (bit >> 5) * block.length + block.active;
    return name !== '' && at + 4 <= blocks.length && ((blocks.readUInt32LE(at) >>> (bit & 31)) & 1) === 1;
  });
}

function namesFrom(call: EthtoolCall, device: string): readonly string[] | null {
  const setInfo = Buffer.alloc(20); // struct ethtool_sset_info with room for one count
  setInfo.writeBigUInt64LE(1n << BigInt(featureStrings), 8);
  if (call(device, getSetInfo, setInfo) !== null) return null;
  const count = Math.min(setInfo.readUInt32LE(16), 4096);
  const strings = Buffer.alloc(12 + count * stringLength); // struct ethtool_gstrings
  strings.writeUInt32LE(featureStrings, 4);
  strings.writeUInt32LE(count, 8);
  return call(device, getStrings, strings) === null ? featureNames(strings.subarray(12)) : null;
}

/** Active features by device, named as by `ethtool -k`. Absent = not reported. */
export function readFeatures(
  netns: string | null,
  devices: readonly string[],
): Readonly<Record<string, readonly string[]>> {
  return withCalls(netns, (call) => {
    let names: readonly string[] | null = null;
    return Object.fromEntries(
      devices.flatMap((device): readonly (readonly [string, readonly string[]])[] => {
        names ??= namesFrom(call, device);
        if (names === null) return [];
        const blocks = Math.ceil(names.length / 32);
        const features = Buffer.alloc(8 + blocks * block.length); // struct ethtool_gfeatures
        features.writeUInt32LE(blocks, 4);
        return call(device, getFeatures, features) === null
          ? [[device, activeFeatures(features.subarray(8), names)]]
          : [];
      }),
    );
  });
}

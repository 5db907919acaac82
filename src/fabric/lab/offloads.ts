import { VerifyError } from '../../model/verify-error.js';
import { inNamespace } from '../../sys/namespaces.js';
import { libc } from '../../sys/libc.js';
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM } from '../../sys/socket-constants.js';

/** linux/sockios.h, linux/ethtool.h */
const SIOCETHTOOL = 0x8946;
const ETHTOOL_STXCSUM = 0x17;
const ETHTOOL_STSO = 0x1f;
const ETHTOOL_SGSO = 0x24;
const ETHTOOL_SGRO = 0x2c;
/** struct ifreq: the name in 16 octets, then a union of which the first 8 hold a pointer here. */
const ifreqLength = 40;
const nameLength = 16;

/**
 * Turns checksum offload, and with it segmentation offload, off for what devices transmit, so that a capture shows frames as a wire
 * would carry them: at most the MTU, checksums filled in. Throws VerifyError (69) naming the device where the kernel refuses.
 */
export function disableOffloads(netns: string | null, devices: readonly string[]): void {
  turnOff(netns, devices, [ETHTOOL_STXCSUM]);
}

/**
 * Turns everything off that lets a device hand over frames longer than its MTU: libpcap then gives each frame a slot of the MTU's size
 * instead of 64 KiB, and a ring that is promised 16 MiB holds 10,000 frames instead of 255.
 */
export function disableSegmentation(devices: readonly string[]): void {
  turnOff(null, devices, [ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO]);
}

function turnOff(netns: string | null, devices: readonly string[], commands: readonly number[]): void {
  const c = libc();
  inNamespace(netns, () => {
    const fd = c.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    try {
      for (const device of devices) {
        for (const command of commands) {
          const value = Buffer.alloc(8);
          value.writeUInt32LE(command, 0); // data stays 0 = off
          const request = Buffer.alloc(ifreqLength);
          request.write(device, 0, nameLength - 1, 'utf8');
          request.writeBigUInt64LE(c.addressOf(value), nameLength);
          if (c.ioctl(fd, SIOCETHTOOL, request) !== 0) {
            const why = c.errnoName(c.errno());
            throw new VerifyError('unsupported', 69, `an offload of ${device} cannot be turned off (ethtool command ${command}): ${why}`, 'settings: { offloads: on } on the endpoint leaves it as it is');
          }
        }
      }
    } finally {
      c.close(fd);
    }
  });
}

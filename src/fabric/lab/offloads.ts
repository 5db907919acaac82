import { VerifyError } from '../../model/verify-error.js';
import { inNamespace } from '../../sys/namespaces.js';
import { libc } from '../../sys/libc.js';

const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 0o2000002;
/** linux/sockios.h, linux/ethtool.h */
const SIOCETHTOOL = 0x8946;
const ETHTOOL_STXCSUM = 0x17;
/** struct ifreq: the name in 16 octets, then a union of which the first 8 hold a pointer here. */
const ifreqLength = 40;
const nameLength = 16;

/**
 * Turns checksum offload, and with it segmentation offload, off for what devices transmit, so that a capture shows frames as a wire
 * would carry them: at most the MTU, checksums filled in. Throws VerifyError (69) naming the device where the kernel refuses.
 */
export function disableOffloads(netns: string | null, devices: readonly string[]): void {
  const c = libc();
  inNamespace(netns, () => {
    const fd = c.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
    try {
      for (const device of devices) {
        const value = Buffer.alloc(8);
        value.writeUInt32LE(ETHTOOL_STXCSUM, 0); // data stays 0 = off
        const request = Buffer.alloc(ifreqLength);
        request.write(device, 0, nameLength - 1, 'utf8');
        request.writeBigUInt64LE(c.addressOf(value), nameLength);
        if (c.ioctl(fd, SIOCETHTOOL, request) !== 0) {
          const why = c.errnoName(c.errno());
          throw new VerifyError('unsupported', 69, `the checksum offload of ${device} cannot be turned off: ${why}`, 'settings: { offloads: on } on the endpoint leaves it as it is');
        }
      }
    } finally {
      c.close(fd);
    }
  });
}

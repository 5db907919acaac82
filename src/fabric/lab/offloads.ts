import { VerifyError } from '../../core/model/verify-error.js';
import { withEthtool } from '../../system/kernel/ethtool.js';

/** linux/ethtool.h */
const ETHTOOL_STXCSUM = 0x17;
const ETHTOOL_STSO = 0x1f;
const ETHTOOL_SGSO = 0x24;
const ETHTOOL_SGRO = 0x2c;

/**
 * Turns checksum offload, and with it segmentation offload, off for what devices transmit, so that a capture shows
 * frames as a wire would carry them: at most the MTU, checksums filled in. Throws VerifyError (69) naming the device
 * where the kernel refuses.
 */
export function disableOffloads(netns: string | null, devices: readonly string[]): void {
  turnOff(netns, devices, [ETHTOOL_STXCSUM]);
}

/**
 * Turns everything off that lets a device hand over frames longer than its MTU: libpcap then gives each frame a slot of
 * the MTU's size instead of 64 KiB, and a ring that is promised 16 MiB holds 10,000 frames instead of 255.
 */
export function disableSegmentation(netns: string | null, devices: readonly string[]): void {
  turnOff(netns, devices, [ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO]);
}

function turnOff(netns: string | null, devices: readonly string[], commands: readonly number[]): void {
  withEthtool(netns, (ask) => {
    for (const device of devices) {
      for (const command of commands) {
        const answer = ask(device, command, 0);
        if (typeof answer === 'string') {
          throw new VerifyError(
            'unsupported',
            69,
            `an offload of ${device} cannot be turned off (ethtool command ${command}): ${answer}`,
            'settings: { offloads: on } on the endpoint leaves it as it is',
          );
        }
      }
    }
  });
}

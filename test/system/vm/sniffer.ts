import { writeFileSync } from 'node:fs';
import { receiveControlMac } from '../../../src/core/plan/ingress-controls.js';
import type { VirtualMachine } from './virtual-machine.js';

/** The address to which the run sends its ear controls on each tap: they are no traffic of anybody. */
const earControls = receiveControlMac.dst;

/**
 * Bytes kept of a frame, headers and all of a probe: the recording leaves the guest by its serial port, and who
 * fetches pages fills it.
 */
const snaplen = 128;

/** Puts the guest's card into promiscuous mode and records, as Wireshark would in there; resolves when it listens. */
export async function startSniffer(guest: VirtualMachine): Promise<void> {
  await guest.run(
    `rm -f /tmp/heard.pcap; tcpdump -Z root -i eth0 -s ${snaplen} -U -w /tmp/heard.pcap not ether dst ${earControls} 2>/tmp/sniffer & echo $! >/tmp/sniffer.pid`,
  );
  await guest.run('until grep -q listening /tmp/sniffer; do sleep 0.05; done');
}

/**
 * Ends the recording and takes the file out of the guest; libpcap hands over frames of up to a second ago at its end.
 */
export async function takeRecording(guest: VirtualMachine, path: string): Promise<void> {
  await guest.run(
    'sleep 1; kill -INT $(cat /tmp/sniffer.pid); while kill -0 $(cat /tmp/sniffer.pid) 2>/dev/null; do sleep 0.05; done',
  );
  writeFileSync(path, Buffer.from(await guest.run('base64 /tmp/heard.pcap', 60_000), 'base64'));
}

// Listens on an interface as libpcap does: the socket joins it as promiscuous, and is bound to it later, by the
// milliseconds of the second argument. Ends when stdin closes.
import { setTimeout as sleep } from 'node:timers/promises';
import { libc } from '../../../build/system/kernel/libc.js';
import {
  linkAddress,
  linkAddressLength,
  linkIndex,
  openUnboundPacketSocket,
} from '../../../build/system/kernel/packet-socket.js';

const [SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC, ETH_P_ALL] = [263, 1, 1, 3];
const fd = openUnboundPacketSocket();
const ifindex = linkIndex(fd, process.argv[2]);
// struct packet_mreq (packet(7)): ifindex, type, length and bytes of an address
const request = new Uint8Array(16);
new DataView(request.buffer).setInt32(0, ifindex, true);
new DataView(request.buffer).setUint16(4, PACKET_MR_PROMISC, true);
if (libc().setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, request, request.length) < 0)
  throw new Error('the interface cannot be joined');
await sleep(Number(process.argv[3]));
if (libc().bind(fd, linkAddress(ifindex, ETH_P_ALL), linkAddressLength) < 0)
  throw new Error('the socket cannot be bound');
process.stdin.resume();
await new Promise((resolve) => process.stdin.once('end', resolve));

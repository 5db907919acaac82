import { describe, expect, it } from 'vitest';
import { parsePacketHandlers, parsePacketSockets } from '../../../../src/system/state/read-packet-sockets.js';

describe('/proc/net/ptype', () => {
  /** As Linux prints it (net/core/net-procfs.c, ptype_seq_show); the module of VMware calls its function so. */
  const text = `Type Device      Function
ALL  br0      tpacket_rcv
ALL  eth0     packet_rcv
ALL  br0      VNetBridgeReceiveFromDev [vmnet]
ALL           0xffffffffc0a01230
0800          ip_rcv
0004          llc_rcv [llc]
88ca br0      tipc_l2_rcv_msg [tipc]
`;

  it('has who gets frames, by type, device and module, but no packet socket and nothing without a name', () => {
    expect(parsePacketHandlers(text)).toEqual([
      { type: 'ALL', device: 'br0', function: 'VNetBridgeReceiveFromDev [vmnet]' },
      { type: '0800', device: null, function: 'ip_rcv' },
      { type: '0004', device: null, function: 'llc_rcv [llc]' },
      { type: '88ca', device: 'br0', function: 'tipc_l2_rcv_msg [tipc]' },
    ]);
    expect(parsePacketHandlers('')).toEqual([]);
  });
});

describe('/proc/net/packet', () => {
  it('has sockets by inode, device and protocol', () => {
    const text = `sk               RefCnt Type Proto  Iface R Rmem   User   Inode
000000001f2b3c4d 3      3    0003   7     1 0      0      51234
00000000aabbccdd 3      2    88CC   0     1 0      101    99
cut
`;
    expect(parsePacketSockets(text)).toEqual([
      { inode: '51234', ifindex: 7, protocol: '0003' },
      { inode: '99', ifindex: 0, protocol: '88cc' },
    ]);
  });
});

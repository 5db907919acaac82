/**
 * Numbers of socket(2) and setsockopt(2) (asm-generic/socket.h, linux/if_packet.h), equal on all architectures of Node.
 */
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;

export const SOL_SOCKET = 1;
export const SO_RCVBUF = 8;
export const SO_RCVTIMEO = 20;
export const SO_ATTACH_FILTER = 26;
export const SO_DOMAIN = 39;
export const SO_ATTACH_BPF = 50;
export const SO_NETNS_COOKIE = 71;

export const SOL_PACKET = 263;
export const SOL_NETLINK = 270;

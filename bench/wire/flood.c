/*
 * Frames of one length out of one interface, as many a second as asked for (0 = as fast as the kernel takes them). Prints how many it took and the seconds.
 * The socket is bound, so that no message names its interface, and passes the queueing discipline by, of which a veth has none: a tenth less for each frame.
 *   flood INTERFACE COUNT PER_SECOND LENGTH
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { batch = 64, longest = 2048 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  if (argc != 5) { fprintf(stderr, "flood INTERFACE COUNT PER_SECOND LENGTH\n"); return 64; }
  long count = atol(argv[2]);
  double rate = atof(argv[3]);
  size_t length = atol(argv[4]);
  if (length < 14 || length > longest) return 64;
  int fd = socket(AF_PACKET, SOCK_RAW, 0);
  struct sockaddr_ll place = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(argv[1]) };
  if (fd < 0 || place.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&place, sizeof place) < 0) { perror(argv[1]); return 1; }
  int yes = 1;
  if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof yes) < 0) { perror("PACKET_QDISC_BYPASS"); return 1; }
  static unsigned char frame[longest] = { 0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1, 0x88, 0xb5 };
  struct iovec vector = { frame, length };
  struct mmsghdr messages[batch];
  for (int i = 0; i < batch; i++) messages[i].msg_hdr = (struct msghdr){ .msg_iov = &vector, .msg_iovlen = 1 };
  double from = now();
  long sent = 0;
  while (sent < count) {
    long due = rate > 0 ? (long)((now() - from) * rate) - sent : count - sent;
    if (due <= 0) continue; /* a processor of its own: sleeping is too coarse */
    if (due > batch) due = batch;
    if (due > count - sent) due = count - sent;
    int took = sendmmsg(fd, messages, due, 0);
    if (took < 0 && errno != ENOBUFS && errno != EAGAIN) { perror("sendmmsg"); return 1; }
    if (took > 0) sent += took;
  }
  printf("%ld %.6f\n", sent, now() - from);
  return 0;
}

/*
 * The floor of a mesh: every ordered pair of N guests, one frame of 60 octets each, through the bridge with nobody listening. Run where the
 * guests' interfaces g0 … g(N-1) are. Prints how many frames the kernel took and the seconds that took.
 *   floor N
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

enum { batch = 64, length = 60 };

static int fd;
static unsigned char frames[batch][length];
static struct iovec vectors[batch];
static struct mmsghdr messages[batch];

static void flush(int count) {
  for (int done = 0; done < count;) {
    int sent = sendmmsg(fd, messages + done, count - done, 0);
    if (sent < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR) { perror("sendmmsg"); exit(1); }
    if (sent > 0) done += sent;
  }
}

int main(int argc, char **argv) {
  int guests = argc > 1 ? atoi(argv[1]) : 0;
  if (guests < 2) { fprintf(stderr, "floor N\n"); return 64; }
  fd = socket(AF_PACKET, SOCK_RAW, 0);
  if (fd < 0) { perror("socket"); return 1; }
  struct sockaddr_ll *places = calloc(guests, sizeof *places);
  unsigned char (*macs)[6] = calloc(guests, 6);
  for (int i = 0; i < guests; i++) {
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "g%d", i);
    places[i] = (struct sockaddr_ll){ .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(request.ifr_name) };
    if (ioctl(fd, SIOCGIFHWADDR, &request) < 0) { perror(request.ifr_name); return 1; }
    memcpy(macs[i], request.ifr_hwaddr.sa_data, 6);
  }
  for (int i = 0; i < batch; i++) {
    vectors[i] = (struct iovec){ frames[i], length };
    messages[i].msg_hdr = (struct msghdr){ .msg_iov = &vectors[i], .msg_iovlen = 1, .msg_namelen = sizeof *places };
    frames[i][12] = 0x88; frames[i][13] = 0xb5;
  }
  for (int i = 0; i < guests; i++) { /* the bridge learns where each is */
    memset(frames[0], 0xff, 6); memcpy(frames[0] + 6, macs[i], 6);
    messages[0].msg_hdr.msg_name = &places[i];
    flush(1);
  }
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  long sent = 0;
  for (int i = 0; i < guests; i++) {
    int used = 0;
    for (int j = 0; j < guests; j++) {
      if (j == i) continue;
      memcpy(frames[used], macs[j], 6); memcpy(frames[used] + 6, macs[i], 6);
      messages[used].msg_hdr.msg_name = &places[i];
      if (++used == batch) { flush(used); sent += used; used = 0; }
    }
    flush(used);
    sent += used;
  }
  clock_gettime(CLOCK_MONOTONIC, &to);
  printf("%ld %.6f\n", sent, (to.tv_sec - from.tv_sec) + (to.tv_nsec - from.tv_nsec) / 1e9);
  return 0;
}

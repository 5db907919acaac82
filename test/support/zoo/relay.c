// What VMware's bridge does: holds a device promiscuous with a packet socket of every protocol, and speaks on it with the
// MAC of a machine behind it, which answers ARP. `relay DEVICE MAC ADDRESS`
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static uint8_t announcement[60];

static void compose(const unsigned *mac, const uint8_t *address) {
  static const uint8_t head[] = {0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1};
  memset(announcement, 0xff, 6);
  for (int at = 0; at < 6; at++) announcement[6 + at] = announcement[22 + at] = mac[at];
  memcpy(announcement + 12, head, sizeof head);
  memcpy(announcement + 28, address, 4);
  memcpy(announcement + 38, address, 4);
}

static void answer(int socket, const uint8_t *request) {
  uint8_t reply[sizeof announcement];
  memcpy(reply, announcement, sizeof reply);
  memcpy(reply, request + 6, 6);
  reply[21] = 2;
  memcpy(reply + 32, request + 22, 10);
  if (write(socket, reply, sizeof reply) < 0) perror("reply");
}

int main(int count, char **words) {
  unsigned mac[6];
  uint8_t address[4];
  if (count < 4 || sscanf(words[2], "%x:%x:%x:%x:%x:%x", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) != 6) return 64;
  if (inet_pton(AF_INET, words[3], address) != 1) return 64;
  compose(mac, address);
  int device = if_nametoindex(words[1]), fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
  struct sockaddr_ll where = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = device};
  struct packet_mreq promiscuous = {.mr_ifindex = device, .mr_type = PACKET_MR_PROMISC};
  if (bind(fd, (struct sockaddr *)&where, sizeof where) < 0 ||
      setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous) < 0) {
    perror(words[1]);
    return 1;
  }
  for (time_t last = 0;;) {
    struct pollfd readable = {fd, POLLIN, 0};
    if (poll(&readable, 1, 500) > 0) {
      uint8_t frame[65536];
      struct sockaddr_ll from;
      socklen_t length = sizeof from;
      int got = recvfrom(fd, frame, sizeof frame, 0, (struct sockaddr *)&from, &length);
      int is_request = got >= 42 && frame[12] == 8 && frame[13] == 6 && frame[21] == 1;
      if (is_request && from.sll_pkttype != PACKET_OUTGOING && !memcmp(frame + 38, address, 4)) answer(fd, frame);
    }
    if (time(NULL) == last) continue;
    last = time(NULL);
    if (write(fd, announcement, sizeof announcement) < 0) perror("announcement");
  }
}

// The IPv4 stack of a virtual machine behind a tap, none of which is the host's kernel's: it answers ARP and pings, and
// pings a target ten times a second. `guest TAP MAC ADDRESS TARGET STATS [silent] [more words, as a monitor has them]`.
// SIGUSR1: writes "sent received" since the last time to the file STATS. `silent` says nothing and answers nothing.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { ARP_REQUEST = 1, ARP_REPLY = 2, ECHO_REPLY = 0, ECHO_REQUEST = 8 };
enum { ETHERNET = 14, IPV4 = 20, MIN_FRAME = 60, PING_FRAME = 98 };
static const uint8_t ping_id[2] = {0x12, 0x34};

static uint8_t mac[6], address[4], target[4], target_mac[6];
static int tap, target_known;
static unsigned sent, received;
static uint16_t sequence, answered;
static double last_sent;
static volatile sig_atomic_t asked;

static void on_usr1(int signal) {
  (void)signal;
  asked = 1;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void put16(uint8_t *at, unsigned value) {
  at[0] = value >> 8;
  at[1] = value;
}

// RFC 1071
static uint16_t checksum(const uint8_t *bytes, int length) {
  uint32_t sum = 0;
  for (int at = 0; at + 1 < length; at += 2) sum += bytes[at] << 8 | bytes[at + 1];
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum;
}

static int transmit(const uint8_t *frame, int length) { return write(tap, frame, length) == length; }

static void send_arp(int operation, const uint8_t *to_mac, const uint8_t *to_address) {
  uint8_t frame[MIN_FRAME] = {0}, *arp = frame + ETHERNET;
  if (operation == ARP_REQUEST) memset(frame, 0xff, 6);
  else memcpy(frame, to_mac, 6);
  memcpy(frame + 6, mac, 6);
  put16(frame + 12, 0x0806);
  put16(arp, 1);
  put16(arp + 2, 0x0800);
  arp[4] = 6;
  arp[5] = 4;
  put16(arp + 6, operation);
  memcpy(arp + 8, mac, 6);
  memcpy(arp + 14, address, 4);
  if (operation == ARP_REPLY) memcpy(arp + 18, to_mac, 6);
  memcpy(arp + 24, to_address, 4);
  transmit(frame, sizeof frame);
}

static void send_ping(void) {
  uint8_t frame[PING_FRAME] = {0}, *ip = frame + ETHERNET, *icmp = ip + IPV4;
  memcpy(frame, target_mac, 6);
  memcpy(frame + 6, mac, 6);
  put16(frame + 12, 0x0800);
  ip[0] = 0x45;
  put16(ip + 2, PING_FRAME - ETHERNET);
  ip[8] = 64;
  ip[9] = 1;
  memcpy(ip + 12, address, 4);
  memcpy(ip + 16, target, 4);
  put16(ip + 10, checksum(ip, IPV4));
  icmp[0] = ECHO_REQUEST;
  memcpy(icmp + 4, ping_id, 2);
  put16(icmp + 6, ++sequence);
  put16(icmp + 2, checksum(icmp, PING_FRAME - ETHERNET - IPV4));
  if (!transmit(frame, sizeof frame)) return;
  sent++;
  last_sent = now();
}

static void swap(uint8_t *first, uint8_t *second, int length) {
  for (int at = 0; at < length; at++) {
    uint8_t byte = first[at];
    first[at] = second[at];
    second[at] = byte;
  }
}

static void answer_ping(uint8_t *frame, int length, uint8_t *icmp) {
  swap(frame, frame + 6, 6);
  swap(frame + 26, frame + 30, 4);
  icmp[0] = ECHO_REPLY;
  // RFC 1624: the type fell by 8 in the higher byte of its word
  uint32_t sum = (icmp[2] << 8 | icmp[3]) + (ECHO_REQUEST << 8);
  put16(icmp + 2, (sum & 0xffff) + (sum >> 16));
  transmit(frame, length);
}

static void receive(uint8_t *frame, int length) {
  if (length >= 42 && frame[12] == 8 && frame[13] == 6) {
    if (frame[21] == ARP_REQUEST && !memcmp(frame + 38, address, 4)) send_arp(ARP_REPLY, frame + 22, frame + 28);
    if (frame[21] == ARP_REPLY && !memcmp(frame + 28, target, 4)) {
      memcpy(target_mac, frame + 22, 6);
      target_known = 1;
    }
    return;
  }
  int header = (frame[14] & 15) * 4;
  uint8_t *icmp = frame + ETHERNET + header;
  if (length < ETHERNET + header + 8 || frame[12] != 8 || frame[13] != 0 || memcmp(frame, mac, 6)) return;
  if (frame[23] != 1 || memcmp(frame + 30, address, 4)) return;
  if (icmp[0] == ECHO_REQUEST) answer_ping(frame, length, icmp);
  else if (icmp[0] == ECHO_REPLY && !memcmp(icmp + 4, ping_id, 2) && !memcmp(frame + 26, target, 4)) {
    received++;
    answered = icmp[6] << 8 | icmp[7];
  }
}

static void report(const char *file) {
  FILE *out = fopen(file, "w");
  if (out == NULL) return;
  // the last ping may be on its way: it counts for the next time
  unsigned on_its_way = answered != sequence && now() - last_sent < 0.1;
  fprintf(out, "%u %u\n", sent - on_its_way, received);
  fclose(out);
  sent = on_its_way;
  received = 0;
}

int main(int count, char **words) {
  unsigned bytes[6];
  if (count < 6 || sscanf(words[2], "%x:%x:%x:%x:%x:%x", bytes, bytes + 1, bytes + 2, bytes + 3, bytes + 4, bytes + 5) != 6)
    return 64;
  for (int at = 0; at < 6; at++) mac[at] = bytes[at];
  if (inet_pton(AF_INET, words[3], address) != 1 || inet_pton(AF_INET, words[4], target) != 1) return 64;
  int silent = count > 6 && strcmp(words[6], "silent") == 0;
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
  strncpy(request.ifr_name, words[1], IFNAMSIZ - 1);
  tap = open("/dev/net/tun", O_RDWR);
  if (tap < 0 || ioctl(tap, TUNSETIFF, &request) < 0) {
    perror(words[1]);
    return 1;
  }
  signal(SIGUSR1, on_usr1);
  double next = now() + 0.2, asked_arp = 0;
  for (;;) {
    struct pollfd readable = {tap, POLLIN, 0};
    double wait = next - now();
    int ready = poll(&readable, 1, wait < 0 ? 0 : (int)(wait * 1000) + 1);
    if (asked) {
      asked = 0;
      report(words[5]);
    }
    if (ready > 0) {
      uint8_t frame[65536];
      int length = read(tap, frame, sizeof frame);
      if (length <= 0) return 2;
      if (length >= 34 && !silent) receive(frame, length);
    }
    if (now() < next) continue;
    next += 0.1;
    if (silent) continue;
    if (!target_known || now() - asked_arp > 20) {
      send_arp(ARP_REQUEST, NULL, target);
      asked_arp = now();
    }
    if (target_known) send_ping();
  }
}

/*
 * Counts what one ring (TPACKET_V3, MIB MiB in blocks of 1 MiB) gets of the frames of every interface of the network
 * namespace that have the ethertype 0x88b5, and does nothing with them. Prints `ready`; at the end of its input how
 * many came and how many the ring lost.
 *   ring MIB
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { block = 1 << 20, retire = 10 };

int main(int argc, char **argv) {
  int blocks = argc > 1 ? atoi(argv[1]) : 0;
  if (blocks < 2) { fprintf(stderr, "ring MIB\n"); return 64; }
  int fd = socket(AF_PACKET, SOCK_RAW, 0), version = TPACKET_V3;
  struct tpacket_req3 ring = { .tp_block_size = block, .tp_block_nr = blocks, .tp_frame_size = 2048,
                               .tp_frame_nr = blocks * (block / 2048), .tp_retire_blk_tov = retire };
  struct sock_filter code[] = { { BPF_LD | BPF_H | BPF_ABS, 0, 0, 12 }, { BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0x88b5 },
                                { BPF_RET | BPF_K, 0, 0, 262144 }, { BPF_RET | BPF_K, 0, 0, 0 } };
  struct sock_fprog filter = { sizeof code / sizeof *code, code };
  struct sockaddr_ll all = { .sll_family = AF_PACKET, .sll_protocol = htons(0x0003) };
  if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) < 0 ||
      setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof ring) < 0 ||
      setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) < 0) { perror("ring"); return 1; }
  char *map = mmap(NULL, (size_t)blocks * block, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (map == MAP_FAILED || bind(fd, (struct sockaddr *)&all, sizeof all) < 0) { perror("ring"); return 1; }
  puts("ready"); fflush(stdout);
  long frames = 0;
  struct pollfd waits[] = { { fd, POLLIN, 0 }, { 0, POLLIN, 0 } };
  for (int at = 0, idle = 0; idle < 5;) {
    struct tpacket_block_desc *now = (void *)(map + (size_t)at * block);
    if (now->hdr.bh1.block_status & TP_STATUS_USER) {
      frames += now->hdr.bh1.num_pkts;
      __sync_synchronize();
      now->hdr.bh1.block_status = TP_STATUS_KERNEL;
      at = (at + 1) % blocks;
      continue;
    }
    poll(waits, 2, 20);
    idle = waits[1].revents != 0 && waits[0].revents == 0 ? idle + 1 : 0;
    if (waits[1].revents != 0) usleep(retire * 2000);
  }
  struct tpacket_stats_v3 lost;
  socklen_t length = sizeof lost;
  getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &lost, &length);
  printf("%ld %u\n", frames, lost.tp_drops);
  return 0;
}

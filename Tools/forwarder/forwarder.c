// The baseline of Tools/throughput: a TUN device joined to a seqpacket socket by one thread each way, with no more than one
// system call to read a packet and one to write it.
//
//   forwarder listen|connect SOCKET DEVICE plain|gso

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { most = 65536 + 64 };

struct direction {
  int from, to;
};

static void check(int result, const char *what) {
  if (result >= 0) return;
  perror(what);
  exit(3);
}

static int open_device(const char *name, int has_header) {
  int device = open("/dev/net/tun", O_RDWR);
  check(device, "/dev/net/tun");
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | (has_header ? IFF_VNET_HDR : 0)};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  check(ioctl(device, TUNSETIFF, &request), "TUNSETIFF");
  if (has_header) check(ioctl(device, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6), "TUNSETOFFLOAD");
  return device;
}

static int join(const char *how, const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  int link = socket(AF_UNIX, SOCK_SEQPACKET, 0);
  check(link, "socket");
  if (strcmp(how, "listen") == 0) {
    check(bind(link, (struct sockaddr *)&address, sizeof address), "bind");
    check(listen(link, 1), "listen");
    link = accept(link, NULL, NULL);
    check(link, "accept");
  } else {
    // The other side may not listen yet.
    while (connect(link, (struct sockaddr *)&address, sizeof address) != 0) usleep(10000);
  }
  int size = 4 << 20;
  check(setsockopt(link, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), "SO_SNDBUF");
  return link;
}

static void *forward(void *argument) {
  struct direction *direction = argument;
  uint8_t *packet = malloc(most);
  for (;;) {
    ssize_t count = read(direction->from, packet, most);
    if (count <= 0) exit(0);
    // What the device does not take, an interface that is down for one, is lost as on a wire.
    (void)!write(direction->to, packet, (size_t)count);
  }
}

int main(int count, char **words) {
  if (count != 5) {
    fprintf(stderr, "usage: forwarder listen|connect SOCKET DEVICE plain|gso\n");
    return 2;
  }
  int link = join(words[1], words[2]);
  int device = open_device(words[3], strcmp(words[4], "gso") == 0);
  struct direction out = {device, link}, in = {link, device};
  pthread_t thread;
  if (pthread_create(&thread, NULL, forward, &out) != 0) return 3;
  forward(&in);
}

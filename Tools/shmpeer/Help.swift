/// The help texts.
enum Help {
  static let overview = """
    shmpeer: the other end of a packet link, in its own process

    usage: shmpeer SUBCOMMAND [flags]

      demo      show a shared-memory link between two processes: rates, losses, latency
      serve     make queues and hand them to the peer that connects to a socket
      connect   receive the queues from a server
      attach    run a link over descriptors that the parent process left open
      fd        run a link over a TUN or TAP device or a socket
      hostile   attack a peer, and see whether it survives

    Every subcommand has --help.
    Exit codes: 0 done and verified; 1 lost, corrupt or timed out; 2 usage; 3 a privilege, device or file is missing;
    4 the peer broke the protocol.
    """

  static func text(_ command: Command) -> String {
    switch command {
    case .demo, .demoPeer, .tunPeer: demo
    case .serve: serve + actions + link
    case .connect: connect + actions + link
    case .attach: attach + actions + link
    case .fd: fd + actions + link
    }
  }

  static let hostile = """
    shmpeer hostile: attack a peer in every known way, a fresh one each time

    usage: shmpeer hostile NAME|all|list [--role client|server] [--seed N] [--seconds S] [--json | --markdown]
                           [-- VICTIM...]

      NAME                one attack; all: the whole catalogue; list: names, roles, promises
      --role              the victim's role (both)
      --seed N            the same random numbers as last time
      --seconds S         how long storms last (0.3)
      --json              one JSON object on standard output
      --markdown          a table of attack and verdict
      VICTIM...           the command that starts a victim, in which {role} {tx-fds} {rx-fds} {peer-fd}, or for attacks
                          on the hand-over {socket}, are filled in; without: shmpeer attach, connect and serve

    Exit code 0: every victim survived. A victim has fallen when it ends by a signal or with another code than 0, 1, 3
    and 4, hangs, is busy with nothing to do, keeps descriptors, grows without bound, or neither goes on nor closes.

    example: shmpeer hostile wrap-storm --role server --seed 1
    example: shmpeer hostile all --role client -- ./my-peer --{role} --tx {tx-fds} --rx {rx-fds} --peer {peer-fd}
    """

  private static let demo = """
    shmpeer demo: a shared-memory link between this process and a second one that it starts

    usage: shmpeer demo [--duration S] [--size N] [--batch N] [--check none|crc] [--spin US]
                        [--buffer-size N] [--json]
           shmpeer demo --tun [--no-offload] [--json]

      --duration S        seconds per phase: to the server, to the client, latency (3)
      --size N            packet size in bytes, 32 to 65535 (64)
      --batch N           packets per write, 1 to 64 (32)
      --check none|crc    leave bodies alone, or fill and sum them (crc)
      --spin US           how long an idle link looks on before it sleeps, in microseconds (50)
      --buffer-size N     bytes of a buffer in shared memory (2048)
      --tun               as root: two network namespaces joined by two processes, ping and TCP across
      --json              one JSON object on standard output

    example: shmpeer demo --size 1500 --check none
    """

  private static let serve = """
    shmpeer serve: make queues, hand them to the peer that connects, and run one action on the link

    usage: shmpeer serve --socket PATH [--keep] ACTION [options]

      --socket PATH       where to listen; the file of a server that is gone is replaced
      --keep              go on with the next peer when one leaves

    example: shmpeer serve --socket /tmp/link.sock --echo

    """

  private static let connect = """
    shmpeer connect: receive the queues from shmpeer serve, and run one action on the link

    usage: shmpeer connect --socket PATH ACTION [options]

    example: shmpeer connect --socket /tmp/link.sock --ping 10000

    """

  private static let attach = """
    shmpeer attach: run one action on a link over inherited descriptors

    usage: shmpeer attach --role client|server --tx-fds d,e,t,r,s --rx-fds d,e,t,r,s [--peer-fd N] ACTION [options]

      --role              which end this is
      --tx-fds, --rx-fds  data, event, tx pipe, rx pipe and shared data of each queue, as the client names its queues
      --peer-fd N         a connected Unix socket: its end is the peer's end

    example: shmpeer attach --role client --tx-fds 10,11,12,13,14 --rx-fds 15,16,17,18,19 --peer-fd 20 --sink

    """

  private static let fd = """
    shmpeer fd: run one action on a link over a descriptor that keeps packet boundaries

    usage: shmpeer fd --fd N... | --tun NAME | --tap NAME | --packet IFNAME
                      [--queues N] [--fanout MODE] [--dispatch readv|recvmmsg|packet-ring] ACTION [options]

      --fd N              an inherited descriptor; of several the link has all, each with a thread of its own
      --tun NAME          a TUN device, made if it is not there
      --tap NAME          a TAP device, made if it is not there
      --packet IFNAME     an interface that is there: its frames, beside the host's own network stack
      --queues N          so many queues of the device, or packet sockets on the interface, 1 to 256 (1)
      --fanout MODE       how packet sockets share the frames: hash (the default), load-balance, processor, rollover,
                          random or queue-mapping; none for those that are in a group already
      --dispatch WAY      how packets are received: readv for any descriptor, recvmmsg for sockets (their default),
                          packet-ring for --packet

    example: shmpeer fd --tun tun0 --echo
    example: shmpeer fd --packet eth0 --ethernet 02:00:00:00:00:01 --queues 4 --dispatch packet-ring --sink

    """

  private static let actions = """

    ACTION, one of:
      --echo              send back every packet
      --sink [COUNT]      verify and count test packets; stop after COUNT
      --source COUNT      send COUNT test packets
      --ping COUNT        send one test packet at a time to an echoing peer; report latency
      --bridge-tun NAME   join the link to a TUN device
      --bridge-tap NAME   join the link to a TAP device
      --bridge-packet IFNAME  join the link to an interface that is there

    """

  private static let link = """

    options:
      --size N            size of test packets in bytes, without the link header, 32 to 65535 (64)
      --batch N           packets per write and per delivery, 1 to 64 (32)
      --mtu N             68 to 65536 (1500, or the size if that is larger)
      --buffer-size N     bytes of a buffer in shared memory, 64 to 65536 (2048)
      --ethernet MAC      frames have Ethernet headers, and this is the address of this side
      --peer-ethernet MAC the address to send to (everyone)
      --check none|crc    leave the bodies of test packets alone, or fill and sum them (crc)
      --virtio-net-header each frame in shared memory lies behind a virtio-net header of 10 bytes; both ends have to
                          say so, but connect, which is told by the server
      --trim              cut received IP packets to their own length
      --accept-unsealed   take memory files that the peer can resize; one that does closes the link (connect, attach)
      --no-offload        no segments of 64 KiB and no checksums left to the device behind a bridge (--bridge-*,
                          demo --tun): to compare, or where a device's driver cannot be trusted with them
      --spin US           how long an idle link looks on before it sleeps, 0 to 10000 microseconds (50; bridges 0)
      --threads 1|2       of a bridge: one thread for both sides, or one for each (1; 2 where a link has several queues)
      --timeout S         give up after so many seconds, with exit code 1
      --describe          say on standard error, and in JSON, what a link over descriptors is made of: devices, buffers,
                          rings, fanout groups
      --stats S           every S seconds one line of counters on standard error
      --json              one JSON object on standard output
    """
}

import Glibc

/// What a link does about an errno that the data path met. The one classification: both links use it, for
/// receiving and for sending.
package enum ErrnoClass: Equatable, Sendable {
  /// Nothing to do now; wait until the descriptor is ready (or, for ENOBUFS, until a timer ends: the kernel
  /// announces nothing).
  case wouldBlock
  /// This frame is lost, the descriptor is fine: count it and go on.
  case drop
  /// The interface is down: look again on a timer, since a device that is down polls nothing.
  case linkDown
  /// The other end is gone.
  case peerGone
  /// The descriptor cannot be used any more: close with a reason.
  case fatal
  /// A descriptor or buffer of ours was wrong: our own mistake. Trap in debug, close with a reason in release.
  case ownMistake

  /// Classes the errno of a receive (`read`, `readv`, `recvmmsg`). `behindHeader`: each frame comes behind a virtio-net
  /// header.
  package init(receiving number: CInt, behindHeader: Bool = false) {
    switch number {
    // A frame to be cut in a way that the header has no name for.
    case EINVAL where behindHeader: self = .drop
    case EAGAIN, EINTR: self = .wouldBlock
    // A pending error of the socket: a datagram sent earlier was refused, or did not fit. The next one may arrive.
    case ECONNREFUSED, EMSGSIZE, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENOBUFS, ENOMEM, EPROTO, ENOPROTOOPT:
      self = .drop
    case ENETDOWN, EIO, ENETRESET: self = .linkDown
    case ECONNRESET, EPIPE, ENOTCONN, ESHUTDOWN: self = .peerGone
    case EBADF, EFAULT: self = .ownMistake
    // EBADFD: the TUN device was deleted. ENODEV, ENXIO: the interface went away.
    default: self = .fatal
    }
  }

  /// Classes the errno of a send (`write`, `writev`, `sendmmsg`).
  package init(sending number: CInt) {
    switch number {
    case EAGAIN, EINTR, ENOBUFS, ENOMEM: self = .wouldBlock
    // EINVAL: the device does not take this frame (a TUN device and a frame that is not IP, or too short).
    case EMSGSIZE, EINVAL, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, EPERM, EACCES, EPROTO, EAFNOSUPPORT, EADDRNOTAVAIL:
      self = .drop
    case ENETDOWN, EIO, ENETRESET: self = .linkDown
    // A datagram peer that is not there (yet): the frame is lost, the link is not.
    case ECONNREFUSED: self = .drop
    case ECONNRESET, EPIPE, ENOTCONN, ESHUTDOWN: self = .peerGone
    case EBADF, EFAULT: self = .ownMistake
    default: self = .fatal
    }
  }

  /// Whether the kernel may say with this errno that it cannot do what a virtio-net header asks for. Not EIO: that is a device
  /// that is down.
  package static func refusesOffload(_ number: CInt) -> Bool { number == EINVAL || number == EOPNOTSUPP }

  /// Whether the kernel polls writable again after a send that would have blocked with this errno. A full device queue
  /// (ENOBUFS) and a lack of memory end unannounced.
  package static func announcesRoom(after number: CInt) -> Bool { number == EAGAIN }
}

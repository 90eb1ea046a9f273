import Glibc

/// Why a device or an interface could not be opened, as far as a user can do something about it.
package enum DeviceRefusal: Sendable {
  case permission, noDriver, busy, badName, other

  package init(_ error: SystemError) {
    switch error.number {
    case EPERM, EACCES: self = .permission
    case ENOENT, ENODEV, ENXIO: self = .noDriver
    case EBUSY: self = .busy
    // EINVAL: the name has a slash, or an interface of another kind has it.
    case ENAMETOOLONG, EINVAL: self = .badName
    default: self = .other
    }
  }
}

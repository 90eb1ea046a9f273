import FDLink
import LinkCore
import SharedMemLink

extension LinkEndpoint {
  /// Whether the other side has taken everything that was sent. The kernel has, once it accepted it.
  var hasDrained: Bool {
    switch self {
    case let link as SharedMemEndpoint: link.isDrained
    case let link as TappedLink: link.inner.hasDrained
    default: true
    }
  }
}

/// The pictures of a run: a name without a folder, and what is in the file.
enum Plot {
  static func pictures(_ results: Results) -> [(name: String, source: String)] {
    var pictures: [(String, String)] = []
    let rates = RateSeries(results)
    if !rates.isEmpty {
      pictures += [("rate-packets.svg", rates.packets), ("rate-bits.svg", rates.bits), ("ratio.svg", rates.ratios)]
    }
    let latency = LatencySeries(results)
    if !latency.isEmpty { pictures.append(("latency.svg", latency.source)) }
    return pictures
  }
}

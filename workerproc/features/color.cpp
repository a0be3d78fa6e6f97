#include "workerproc/features/color.h"

#include <fmt/format.h>
#include <array>
#include <bit>
#include <cmath>

namespace pairloom::workerproc {
namespace {

using Counts = std::array<uint64_t, 256>;

struct Moments {
  double mean = 0, deviation = 0, skewness = 0;
};

// From the counts, so that the sums are those of a few hundred terms, whatever the picture's size.
Moments moments_of(const Counts& counts) {
  uint64_t pixels = 0, sum = 0;
  for (size_t v = 0; v < counts.size(); ++v) pixels += counts[v], sum += v * counts[v];
  const auto n = static_cast<double>(pixels);
  Moments m;
  m.mean = static_cast<double>(sum) / n;
  double squares = 0, cubes = 0;
  for (size_t v = 0; v < counts.size(); ++v) {
    if (counts[v] == 0) continue;
    const double off = static_cast<double>(v) - m.mean, share = static_cast<double>(counts[v]) / n;
    squares += share * off * off;
    cubes += share * off * off * off;
  }
  m.deviation = std::sqrt(squares);
  if (squares > 0) m.skewness = cubes / (squares * m.deviation);
  return m;
}

class Color final : public FeatureExtractor {
 public:
  explicit Color(uint32_t bins) : FeatureExtractor(describe(bins)), bins_(bins) {}

  Result<> extract(ShownPicture& shown, jobs::FeatureTable& table) override {
    const Picture& picture = shown.picture();  // statistics do not ask which way is up
    std::array<Counts, 3> counts{};            // blue, green, red
    for (size_t y = 0; y < picture.height_px; ++y) {
      const uint8_t* pixel = picture.pixels.data() + y * picture.stride_bytes;
      for (size_t x = 0; x < picture.width_px; ++x, pixel += 3)
        for (size_t channel = 0; channel < 3; ++channel) ++counts[channel][pixel[channel]];
    }
    std::vector<double> row;
    for (const size_t channel : {2u, 1u, 0u}) {
      const Moments m = moments_of(counts[channel]);
      row.insert(row.end(), {m.mean, m.deviation, m.skewness});
    }
    const double pixels = static_cast<double>(picture.width_px) * picture.height_px;
    for (const size_t channel : {2u, 1u, 0u})
      for (size_t first = 0; first < 256; first += 256 / bins_) {
        uint64_t sum = 0;
        for (size_t v = first; v < first + 256 / bins_; ++v) sum += counts[channel][v];
        row.push_back(static_cast<double>(sum) / pixels);
      }
    set_rows<double>(table, 1, row);
    return {};
  }

 private:
  static jobs::FeatureDescription describe(uint32_t bins) {
    jobs::FeatureDescription d{.name = "color", .parameters = fmt::format("bins={}", bins)};
    for (const char* channel : {"red", "green", "blue"})
      for (const char* moment : {"mean", "std", "skewness"}) d.columns.push_back(fmt::format("{}_{}", channel, moment));
    for (const char* channel : {"red", "green", "blue"})
      for (uint32_t bin = 0; bin < bins; ++bin) d.columns.push_back(fmt::format("{}_hist_{}", channel, bin));
    return d;
  }

  uint32_t bins_;
};

}  // namespace

Result<std::unique_ptr<FeatureExtractor>> make_color(Parameters& parameters) {
  PAIRLOOM_ASSIGN(const uint32_t bins, parameters.take("bins", 16, 1, 256));
  if (!std::has_single_bit(bins))
    return fail(Errc::kInvalidArgument, fmt::format("bins of color is 1, 2, 4 ... 256, not {}", bins));
  return std::make_unique<Color>(bins);
}

}  // namespace pairloom::workerproc

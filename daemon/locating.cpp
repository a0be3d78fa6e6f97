#include "daemon/locating.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include <fmt/format.h>

namespace pairloom::daemon {
namespace {

constexpr std::array kColumns = {"y", "x", "mass", "size", "ecc", "signal", "raw_mass", "ep"};
static_assert(sizeof(jobs::Particle) == kColumns.size() * sizeof(double) && offsetof(jobs::Particle, ep) == 56,
              "a particle is a row of those columns");

size_t column_count(const jobs::LocateSetup& setup) {
  return setup.characterize ? kColumns.size() : 3;
}

}  // namespace

bool is_named_as_image(std::string_view path) {
  static constexpr std::array<std::string_view, 14> kEndings = {"png", "tif", "tiff", "jpg", "jpeg", "bmp", "gif",
                                                                "pgm", "ppm", "pbm",  "pnm", "webp", "jpe", "dib"};
  const size_t name = path.rfind('/') + 1, dot = path.rfind('.');
  if (dot == std::string_view::npos || dot <= name) return false;
  std::string ending(path.substr(dot + 1));
  for (char& c : ending)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return std::ranges::find(kEndings, ending) != kEndings.end();
}

Result<FileJobSummary> locate_particles(FileJobs& jobs, const jobs::LocateSetup& setup, FileJobRequest request,
                                        const LocateSink& sink, const RunObserver& observer) {
  request.kind = jobs::JobKind::kLocate;
  request.setup = jobs::encode(setup);
  request.check = [](std::span<const std::byte> body) -> Result<> {
    PAIRLOOM_TRY(jobs::decode_locate_result(body));
    return {};
  };
  uint64_t frames = 0, empty_frames = 0;
  const auto told = [&](const std::string& path, jobs::FileAnswer answer) -> Result<> {
    LocatedFrame frame{path, std::nullopt, answer.outcome, std::move(answer.message), {}};
    if (answer.outcome == Outcome::kNotImage && is_named_as_image(path)) {
      frame.outcome = Outcome::kCorrupt;
      frame.message = "there is no image in it";
      ++empty_frames;
    }
    if (frame.outcome != Outcome::kNotImage) frame.number = frames++;
    if (frame.outcome == Outcome::kIndexed) {
      PAIRLOOM_ASSIGN(frame.result, jobs::decode_locate_result(answer.body));
    }
    return sink(frame);
  };
  PAIRLOOM_ASSIGN(auto summary, jobs.run(request, told, observer));
  summary.failed += empty_frames;
  summary.not_images -= empty_frames;
  return summary;
}

jobs::FeatureDescription describe_particles(const jobs::LocateSetup& s) {
  jobs::FeatureDescription description;
  description.name = "locate";
  description.parameters = fmt::format(
      "channel={} diameter={} invert={} max-iterations={} maxsize={} minmass={} noise-size={} percentile={} "
      "preprocess={} separation={} smoothing-size={} threshold={} topn={}",
      s.channel, s.diameter_px, s.invert ? 1 : 0, s.max_iterations, s.maxsize_px, s.minmass, s.noise_size_px,
      s.percentile, s.preprocess ? 1 : 0, s.separation_px, s.smoothing_size_px, s.threshold, s.topn);
  if (!s.characterize) description.parameters += " characterize=0";
  description.element = jobs::FeatureElement::kF64;
  description.one_row = false;
  description.columns.assign(kColumns.begin(), kColumns.begin() + static_cast<ptrdiff_t>(column_count(s)));
  return description;
}

FeatureAnswer as_features(const LocatedFrame& frame, const jobs::LocateSetup& setup) {
  FeatureAnswer answer{frame.outcome, frame.message, {}};
  answer.result.digest = frame.result.digest;
  answer.result.width_px = frame.result.width_px;
  answer.result.height_px = frame.result.height_px;
  jobs::FeatureTable& table = answer.result.tables.emplace_back();
  table.rows = static_cast<uint32_t>(frame.result.particles.size());
  const size_t row_bytes = column_count(setup) * sizeof(double);
  table.values.resize(table.rows * row_bytes);
  for (size_t i = 0; i < table.rows; ++i)
    std::memcpy(table.values.data() + i * row_bytes, &frame.result.particles[i], row_bytes);
  return answer;
}

}  // namespace pairloom::daemon

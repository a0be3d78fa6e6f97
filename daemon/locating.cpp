#include "daemon/locating.h"

#include <algorithm>
#include <array>

namespace pairloom::daemon {

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

}  // namespace pairloom::daemon

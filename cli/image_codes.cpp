#include "cli/image_codes.h"

#include <fmt/format.h>
#include <algorithm>

#include "base/text.h"

namespace pairloom::cli {
namespace {

// Quality is PDQ's measure: asked for beside every algorithm that has a limit for it.
AlgorithmSet features_for(Algorithm algorithm) {
  return info(algorithm).min_quality > 0 ? set_of(algorithm) | set_of(Algorithm::kPdq) : set_of(algorithm);
}

}  // namespace

bool is_low_information(const ImageInfo& image, Algorithm algorithm) {
  return image.quality < info(algorithm).min_quality;
}

Result<std::vector<ImageCode>> extract_codes(const std::vector<std::string>& paths, Algorithm algorithm,
                                             const Session& session) {
  jobs::IndexSetup setup;
  setup.algorithms = features_for(algorithm);
  auto pool = session.pool();
  if (pool.jobs == 0) pool.jobs = static_cast<int>(std::min<size_t>(paths.size(), 2));
  PAIRLOOM_ASSIGN(const auto results, daemon::extract_files(paths, setup, pool));
  std::vector<ImageCode> codes;
  for (size_t i = 0; i < paths.size(); ++i) {
    const auto& result = results.at(i);
    const std::string shown = escape_for_terminal(paths[i]);
    if (result.outcome != Outcome::kIndexed) {
      const std::string why =
          result.message.empty() ? std::string(name_of(result.outcome)) : escape_for_terminal(result.message);
      return fail(Errc::kCorrupt, fmt::format("cannot use '{}': {}", shown, why));
    }
    ImageCode code;
    code.path = paths[i];
    code.digest = result.digest;
    code.size_bytes = result.identity.size_bytes;
    code.image = result.image;
    for (const auto& c : result.codes)
      if (c.algorithm == algorithm) code.code = c.code;
    code.low_information = is_low_information(result.image, algorithm);
    codes.push_back(std::move(code));
  }
  return codes;
}

}  // namespace pairloom::cli

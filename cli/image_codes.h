// The code of one file as `match` and `cmp` need it: extracted in a worker, never in this process. Runs in: cli.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/algorithm.h"
#include "base/image.h"
#include "base/result.h"
#include "cli/session.h"

namespace pairloom::cli {

struct ImageCode {
  std::string path;
  Digest digest;
  uint64_t size_bytes = 0;
  ImageInfo image;
  Code code;
  bool low_information = false;
};

// In the order of `paths`. An error (kCorrupt: exit 3) that names the first file that cannot be used.
Result<std::vector<ImageCode>> extract_codes(const std::vector<std::string>& paths, Algorithm algorithm,
                                             const Session& session);

bool is_low_information(const ImageInfo& image, Algorithm algorithm);

}  // namespace pairloom::cli

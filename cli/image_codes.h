// The codes of files as `match` and `cmp` need them: extracted in workers, never in this process. Runs in: cli.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/algorithm.h"
#include "base/image.h"
#include "base/result.h"
#include "cli/session.h"
#include "daemon/pool.h"

namespace pairloom::cli {

struct TurnedCode {
  uint8_t orientation = 1;  // EXIF 1..8: the picture as it would be shown with it; 1 = as it is
  Code code;
};

struct ImageCode {
  std::string path;
  Digest digest;
  uint64_t size_bytes = 0;
  ImageInfo image;
  Code code;
  std::vector<TurnedCode> turned;  // of the orientations 2..8, if asked for
  bool low_information = false;
};

// Extracts codes of a few or many files over one pool of workers, which is started when it is first needed.
class CodeExtractor {
 public:
  // `turned`: also the codes of the pictures mirrored and rotated.
  CodeExtractor(Algorithm algorithm, bool turned, const Session& session)
      : algorithm_(algorithm), turned_(turned), session_(&session) {}

  // In the order of `paths`; of a file that cannot be used the error (kCorrupt: exit 3), which names it.
  Result<std::vector<Result<ImageCode>>> extract(const std::vector<std::string>& paths);

 private:
  Algorithm algorithm_;
  bool turned_;
  const Session* session_;
  std::optional<daemon::Pool> pool_;
};

// All of them or the error of the first that cannot be used.
Result<std::vector<ImageCode>> extract_codes(const std::vector<std::string>& paths, Algorithm algorithm, bool turned,
                                             const Session& session);

bool is_low_information(const ImageInfo& image, Algorithm algorithm);

}  // namespace pairloom::cli

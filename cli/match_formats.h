// Matches of queries in every output format. Stable and documented: docs/cli.md, "Output formats". Runs in: cli.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/image_codes.h"
#include "cli/options.h"
#include "cli/session.h"
#include "index/rows.h"

namespace pairloom::cli {

struct Match {
  index::FileRow file;
  ImageInfo image;
  uint32_t distance = 0;
  bool identical = false;
  uint8_t orientation = 1;  // that the query was given to become most like it
};

struct MatchQuery {
  ImageCode image;  // path: empty for a query by code
  std::string shown_as;  // as the user wrote it
};

class MatchWriter {
 public:
  // `many`: there may be more than one query, so each says which it is.
  MatchWriter(OutputFormat format, bool many, Algorithm algorithm, Session& session)
      : format_(format), many_(many), algorithm_(algorithm), session_(&session) {}
  void begin();
  void answer(const MatchQuery& query, const std::vector<Match>& matches);
  void unusable(const std::string& path, const Error& error);

 private:
  void write(const MatchQuery& query, const Match& match);
  OutputFormat format_;
  bool many_;
  Algorithm algorithm_;
  Session* session_;
};

}  // namespace pairloom::cli

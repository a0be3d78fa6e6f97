// FeatureKeeping: the index as the place where a job keeps what it computes (extract --store, locate --store).
// Runs in: cli, which is the supervisor then.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "cli/session.h"
#include "daemon/feature_extraction.h"
#include "index/index_writer.h"

namespace pairloom::cli {

class FeatureKeeping {
 public:
  // Opens the session's index for writing as `who`. Fails when there is none: features belong to what is indexed.
  Result<> begin(const Session& session, const std::string& who,
                 std::span<const jobs::FeatureDescription> descriptions);
  bool begun() const { return store_.has_value(); }
  // Has the request ask of every file whether it is wanted. `only_missing`: nothing else is done with the features.
  void choose(daemon::FileJobRequest& request, bool only_missing);
  Result<> take(const daemon::FeatureAnswer& answer) { return store_->take(answer); }
  Result<> finish() { return store_->finish(); }
  void tell(Session& session) const;

  FeatureKeeping() = default;
  FeatureKeeping(const FeatureKeeping&) = delete;  // the store borrows the index
  FeatureKeeping& operator=(const FeatureKeeping&) = delete;

 private:
  std::optional<index::IndexWriter> index_;
  std::optional<daemon::FeatureStore> store_;
};

}  // namespace pairloom::cli

#include "cli/feature_keeping.h"

#include <fmt/format.h>

#include "index/index_reader.h"

namespace pairloom::cli {

Result<> FeatureKeeping::begin(const Session& session, const std::string& who,
                               std::span<const jobs::FeatureDescription> descriptions) {
  PAIRLOOM_TRY(index::IndexReader::open(session.index));  // make no index for them
  PAIRLOOM_ASSIGN(index_, index::IndexWriter::open(session.index, who));
  PAIRLOOM_ASSIGN(store_, daemon::FeatureStore::create(*index_, descriptions));
  return {};
}

void FeatureKeeping::choose(daemon::FileJobRequest& request, bool only_missing) {
  request.wants = [&store = *store_, only_missing](const std::string& path, const StatIdentity& identity) {
    return store.wants(path, identity, only_missing);
  };
}

void FeatureKeeping::tell(Session& session) const {
  session.messages.note(
      fmt::format("features of {} images stored, of {} already there", store_->stored(), store_->known()));
  if (store_->unknown() > 0)
    session.messages.warning(
        fmt::format("{} files are not in the index as they are now, and nothing is stored of them; "
                    "pairloom index add takes them in",
                    store_->unknown()));
}

}  // namespace pairloom::cli

#include "daemon/feature_extraction.h"

#include "base/clock.h"

namespace pairloom::daemon {
namespace {

constexpr int64_t kCommitNs = 1'000'000'000;
// A set of tables may be as long as some of the longest; more is a lie.
constexpr uint64_t kMaxAnswerBytes = 2 * jobs::kMaxFeatureBytes;

}  // namespace

Result<std::vector<jobs::FeatureDescription>> describe_features(FileJobs& jobs, const jobs::ExtractSetup& setup) {
  PAIRLOOM_ASSIGN(const auto answer, jobs.ask(jobs::JobKind::kDescribeFeatures, jobs::encode(setup)));
  if (answer.outcome == Outcome::kCrashed || answer.outcome == Outcome::kTimedOut)
    return fail(Errc::kNoWorkers, "no worker can be made ready to extract: " + answer.message);
  if (answer.outcome != Outcome::kIndexed) return fail(Errc::kInvalidArgument, answer.message);
  return jobs::decode_feature_descriptions(answer.body, setup.features.size());
}

Result<FileJobSummary> extract_features(FileJobs& jobs, const jobs::ExtractSetup& setup,
                                        const std::vector<jobs::FeatureDescription>& descriptions,
                                        FileJobRequest request, const FeatureSink& sink, const RunObserver& observer) {
  request.kind = jobs::JobKind::kExtract;
  request.setup = jobs::encode(setup);
  request.max_answer_bytes = kMaxAnswerBytes;
  request.check = [&descriptions](std::span<const std::byte> body) -> Result<> {
    PAIRLOOM_TRY(jobs::decode_extract_result(body, descriptions));
    return {};
  };
  const auto told = [&](const std::string& path, jobs::FileAnswer answer) -> Result<> {
    FeatureAnswer features{answer.outcome, std::move(answer.message), {}};
    if (answer.outcome == Outcome::kIndexed) {
      PAIRLOOM_ASSIGN(features.result, jobs::decode_extract_result(answer.body, descriptions));
    }
    return sink(path, features);
  };
  return jobs.run(request, told, observer);
}

Result<FeatureStore> FeatureStore::create(index::IndexWriter& index,
                                          std::span<const jobs::FeatureDescription> descriptions) {
  std::vector<index::ExtractorId> extractors;
  for (const jobs::FeatureDescription& d : descriptions) {
    PAIRLOOM_ASSIGN(const auto id, index.extractor({d.name, d.parameters, d.version, std::string(name_of(d.element)),
                                                    d.one_row, d.columns, d.row_bytes()}));
    extractors.push_back(id);
  }
  return FeatureStore(index, std::move(extractors));
}

Result<bool> FeatureStore::wants(const std::string& path, const StatIdentity& identity, bool only_missing) {
  PAIRLOOM_ASSIGN(const auto content, index_->indexed_content(path, identity));
  if (only_missing) {
    if (!content) {
      ++unknown_;
      return false;
    }
    PAIRLOOM_ASSIGN(const bool has_all, index_->has_features(*content, extractors_));
    if (has_all) {
      ++known_;
      return false;
    }
  }
  waiting_.push_back(content.value_or(0));
  return true;
}

Result<> FeatureStore::take(const FeatureAnswer& answer) {
  const index::ContentId content = waiting_.front();
  waiting_.pop_front();
  if (answer.outcome != Outcome::kIndexed) return {};
  bool stored = false;
  if (content != 0) {
    std::vector<index::FeatureRow> rows;
    for (size_t i = 0; i < extractors_.size(); ++i)
      rows.push_back({extractors_[i], answer.result.tables[i].rows, answer.result.tables[i].values});
    // By its digest: what was read is what the index knows, whatever stat says.
    PAIRLOOM_ASSIGN(stored, index_->put_features(content, answer.result.digest, rows));
  }
  ++(stored ? stored_ : unknown_);
  const int64_t now = system_clock().monotonic_ns();
  if (commit_at_ns_ < 0) commit_at_ns_ = now + kCommitNs;
  if (now < commit_at_ns_) return {};
  return finish();
}

Result<> FeatureStore::finish() {
  commit_at_ns_ = -1;
  return index_->commit();
}

}  // namespace pairloom::daemon

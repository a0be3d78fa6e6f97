// All pairs: a batch of queries is compared with all lower positions, tile by tile, so that a tile stays in the L1
// cache for all queries of the batch and the codes are read from memory once per batch.
//
// Equal codes, without a table of all codes. A query sees positions in ascending order, and when one code is near it,
// so are all codes equal to that one. So the first of them that it sees is the earliest of all: the representative.
// What is learnt this way holds for every query and is kept in `earliest_`; later equal codes are dropped, whoever sees
// them.
#include <algorithm>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "search/hamming_scan.h"
#include "search/kernels.h"

namespace pairloom::search {

namespace {

constexpr size_t kBatchQueries = 512;
constexpr uint32_t kTileCodes = 1024;             // 8 or 16 KB of the words that the filter looks at
constexpr size_t kMaxBatchNeighbours = 1u << 20;  // held at once
constexpr size_t kMaxRemembered = 1u << 18;       // codes in `earliest_` from one batch to the next
constexpr size_t kVisitPairs = 8192;
constexpr uint64_t kProgressComparisons = 1u << 22;  // well under 1 ms with AVX-512, several ms without SIMD

struct CodeHash {
  size_t operator()(const Code& code) const {
    uint64_t h = 0;
    for (const uint64_t word : code.words) h = (h ^ word ^ (h >> 32)) * 0x9e3779b97f4a7c15;
    return h ^ (h >> 32);
  }
};

struct Neighbour {
  uint64_t position;
  uint32_t distance;
};

class PairSearch {
 public:
  PairSearch(const CodeFile& codes, uint64_t first, uint64_t last, int radius, const ScanOptions& options,
             const std::function<void(uint64_t)>& progress)
      : codes_(codes),
        first_(first),
        last_(last),
        radius_(radius),
        options_(options),
        progress_(progress),
        match_(match_function(options.kernel, codes.bits())),
        next_(first) {}

  bool done() const { return next_ == last_; }
  // Pairs of the next few positions; valid until the next call.
  std::span<const PairHit> next_batch();

 private:
  struct Query {
    uint64_t position;
    bool is_duplicate = false;          // an equal code precedes it
    std::vector<Neighbour> neighbours;  // representatives at lower positions
  };

  void collect_queries();
  void compare_with_block(const CodeBlock& block);
  void take(Query& query, const CodeBlock& block, const Match& match);
  void halve();
  void report(uint64_t block_number, uint64_t blocks);
  void emit(uint64_t a, uint64_t b, uint32_t distance);
  bool takes_part(uint8_t flags) const { return options_.include_low_information || (flags & kLowInformation) == 0; }

  const CodeFile& codes_;
  const uint64_t first_, last_;
  const int radius_;
  const ScanOptions& options_;
  const std::function<void(uint64_t)>& progress_;
  const MatchFunction match_;
  const std::unique_ptr<Match[]> matches_ = std::make_unique<Match[]>(kQueryGroup * kTileCodes);

  uint64_t next_;  // positions below are done
  uint64_t batch_end_ = 0;
  std::vector<Code> query_codes_;     // of queries_
  std::vector<Query> queries_;        // with distinct codes, ascending
  std::vector<uint64_t> duplicates_;  // positions of the batch that equal a query or a code in earliest_
  size_t neighbour_count_ = 0;        // of all queries_
  std::unordered_map<Code, uint64_t, CodeHash> earliest_;  // representatives
  std::vector<PairHit> pairs_;
  uint64_t comparisons_ = 0;  // since the last report
  uint64_t reported_ = 0;
};

// Fills the batch from next_ on. A code that is known already needs no comparisons.
void PairSearch::collect_queries() {
  if (earliest_.size() > kMaxRemembered) earliest_.clear();
  query_codes_.clear();
  queries_.clear();
  duplicates_.clear();
  neighbour_count_ = 0;
  std::unordered_set<Code, CodeHash> in_batch;
  for (batch_end_ = next_; batch_end_ < last_ && queries_.size() < kBatchQueries; ++batch_end_) {
    if (!takes_part(codes_.flags(batch_end_))) continue;
    const Code code = codes_.code(batch_end_);
    // Known may be this very position, if a query that halve() left to this batch has seen it.
    const auto known = earliest_.find(code);
    if ((known != earliest_.end() && known->second < batch_end_) || !in_batch.insert(code).second) {
      duplicates_.push_back(batch_end_);
    } else {
      query_codes_.push_back(code);
      queries_.push_back({batch_end_, false, {}});
    }
  }
}

void PairSearch::take(Query& query, const CodeBlock& block, const Match& match) {
  const uint64_t position = block.first_position + match.index;
  if (position >= query.position || query.is_duplicate || !takes_part(block.flags[match.index])) return;
  const bool is_representative = earliest_.try_emplace(codes_.code(position), position).first->second == position;
  if (!is_representative) return;
  if (match.distance == 0) {
    query.is_duplicate = true;
    return;
  }
  query.neighbours.push_back({position, match.distance});
  ++neighbour_count_;
}

void PairSearch::compare_with_block(const CodeBlock& block) {
  for (uint32_t first = 0; first < block.count; first += kTileCodes) {
    const uint32_t last = std::min(first + kTileCodes, block.count);
    for (size_t q = 0; q < queries_.size(); q += kQueryGroup) {
      const size_t group = std::min(kQueryGroup, queries_.size() - q);
      const size_t found = match_({&query_codes_[q], group}, block, first, last, radius_, matches_.get());
      for (const Match& m : std::span(matches_.get(), found)) take(queries_[q + m.query], block, m);
    }
    comparisons_ += queries_.size() * (last - first);
  }
}

// Too many neighbours to hold: leaves the upper half of the queries to the next batch.
void PairSearch::halve() {
  const size_t keep = queries_.size() / 2;
  batch_end_ = queries_[keep].position;
  queries_.resize(keep);
  query_codes_.resize(keep);
  std::erase_if(duplicates_, [&](uint64_t position) { return position >= batch_end_; });
  neighbour_count_ = 0;
  for (const Query& query : queries_) neighbour_count_ += query.neighbours.size();
}

void PairSearch::report(uint64_t block_number, uint64_t blocks) {
  if (!progress_ || comparisons_ < kProgressComparisons) return;
  comparisons_ = 0;
  const uint64_t done = next_ - first_ + (batch_end_ - next_) * (block_number + 1) / blocks;
  reported_ = std::max(reported_, done);  // halve() takes positions out of the batch
  progress_(reported_);
}

void PairSearch::emit(uint64_t a, uint64_t b, uint32_t distance) {
  const uint32_t id_a = codes_.content_id(a), id_b = codes_.content_id(b);
  pairs_.push_back({std::min(id_a, id_b), std::max(id_a, id_b), distance});
}

std::span<const PairHit> PairSearch::next_batch() {
  pairs_.clear();
  collect_queries();
  const uint64_t blocks = queries_.empty() ? 0 : queries_.back().position / kBlockCodes + 1;
  for (uint64_t b = 0; b < blocks; ++b) {
    compare_with_block(codes_.block(b));
    report(b, blocks);
    while (neighbour_count_ > kMaxBatchNeighbours && queries_.size() > 1) halve();
  }
  for (size_t q = 0; q < queries_.size(); ++q) {
    const Query& query = queries_[q];
    const uint64_t representative = earliest_.try_emplace(query_codes_[q], query.position).first->second;
    if (query.is_duplicate) {
      emit(representative, query.position, 0);
    } else {
      for (const Neighbour& n : query.neighbours) emit(n.position, query.position, n.distance);
    }
  }
  for (const uint64_t position : duplicates_) emit(earliest_.at(codes_.code(position)), position, 0);
  next_ = batch_end_;
  return pairs_;
}

}  // namespace

void pairs_of_range(const CodeFile& codes, uint64_t first, uint64_t last, int radius,
                    const std::function<bool(std::span<const PairHit>)>& visit,
                    const std::function<void(uint64_t)>& progress, const ScanOptions& options) {
  last = std::min(last, codes.size());
  if (radius < 0 || first >= last) return;
  PairSearch search(codes, first, last, radius, options, progress);
  while (!search.done()) {
    std::span<const PairHit> pairs = search.next_batch();
    for (; !pairs.empty(); pairs = pairs.subspan(std::min(kVisitPairs, pairs.size()))) {
      if (!visit(pairs.first(std::min(kVisitPairs, pairs.size())))) return;
    }
  }
  if (progress) progress(last - first);
}

}  // namespace pairloom::search

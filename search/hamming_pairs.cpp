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
constexpr uint32_t kTileCodes = 1024;        // 8 or 16 KB of the words that the filter looks at
constexpr size_t kMaxRemembered = 1u << 18;  // codes in `earliest_` from one batch to the next
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
             const PairVisitor& visitor)
      : codes_(codes),
        last_(last),
        radius_(radius),
        options_(options),
        visitor_(visitor),
        match_(match_function(options.kernel, codes.bits())),
        next_(first) {}

  bool done() const { return next_ == last_; }
  // Pairs of the next few positions; valid until the next call.
  std::span<const PairHit> next_batch();

 private:
  struct Query {
    uint64_t position;
    bool is_duplicate = false;          // an equal code precedes it
    bool is_crowded = false;            // there are more neighbours than these
    std::vector<Neighbour> neighbours;  // representatives at lower positions, the first of them
  };

  void collect_queries();
  void compare_with_block(const CodeBlock& block);
  void take(Query& query, const CodeBlock& block, const Match& match);
  void emit(uint64_t a, uint64_t b, uint32_t distance);
  bool takes_part(uint8_t flags) const { return options_.include_low_information || (flags & kLowInformation) == 0; }

  const CodeFile& codes_;
  const uint64_t last_;
  const int radius_;
  const ScanOptions& options_;
  const PairVisitor& visitor_;
  const MatchFunction match_;
  const std::unique_ptr<Match[]> matches_ = std::make_unique<Match[]>(kQueryGroup * kTileCodes);

  uint64_t next_;  // positions below are done
  uint64_t batch_end_ = 0;
  std::vector<Code> query_codes_;     // of queries_
  std::vector<Query> queries_;        // with distinct codes, ascending
  std::vector<uint64_t> duplicates_;  // positions of the batch that equal a query or a code in earliest_
  std::unordered_map<Code, uint64_t, CodeHash> earliest_;  // representatives
  std::vector<PairHit> pairs_;
  uint64_t comparisons_ = 0;  // since the last sign of life
};

// Fills the batch from next_ on. A code that is known already needs no comparisons.
void PairSearch::collect_queries() {
  if (earliest_.size() > kMaxRemembered) earliest_.clear();
  query_codes_.clear();
  queries_.clear();
  duplicates_.clear();
  std::unordered_set<Code, CodeHash> in_batch;
  for (batch_end_ = next_; batch_end_ < last_ && queries_.size() < kBatchQueries; ++batch_end_) {
    if (!takes_part(codes_.flags(batch_end_))) continue;
    const Code code = codes_.code(batch_end_);
    if (earliest_.contains(code) || !in_batch.insert(code).second) {
      duplicates_.push_back(batch_end_);
    } else {
      query_codes_.push_back(code);
      queries_.push_back({batch_end_, false, false, {}});
    }
  }
}

void PairSearch::take(Query& query, const CodeBlock& block, const Match& match) {
  const uint64_t position = block.first_position + match.index;
  if (position >= query.position || query.is_duplicate || !takes_part(block.flags[match.index])) return;
  if (query.is_crowded && match.distance != 0) return;
  const bool is_representative = earliest_.try_emplace(codes_.code(position), position).first->second == position;
  if (!is_representative) return;
  if (match.distance == 0) {
    query.is_duplicate = true;
  } else if (query.neighbours.size() == options_.max_neighbours) {
    query.is_crowded = true;  // from now on only an equal code is looked for
  } else {
    query.neighbours.push_back({position, match.distance});
  }
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
  if (comparisons_ < kProgressComparisons) return;
  comparisons_ = 0;
  if (visitor_.progress) visitor_.progress();
}

void PairSearch::emit(uint64_t a, uint64_t b, uint32_t distance) {
  pairs_.push_back({static_cast<uint32_t>(a), static_cast<uint32_t>(b), distance});
}

std::span<const PairHit> PairSearch::next_batch() {
  pairs_.clear();
  collect_queries();
  const uint64_t blocks = queries_.empty() ? 0 : queries_.back().position / kBlockCodes + 1;
  for (uint64_t b = 0; b < blocks; ++b) {
    compare_with_block(codes_.block(b));
  }
  for (size_t q = 0; q < queries_.size(); ++q) {
    const Query& query = queries_[q];
    const uint64_t representative = earliest_.try_emplace(query_codes_[q], query.position).first->second;
    if (query.is_duplicate) {
      emit(representative, query.position, 0);
    } else {
      for (const Neighbour& n : query.neighbours) emit(n.position, query.position, n.distance);
      if (query.is_crowded && visitor_.crowded) visitor_.crowded(static_cast<uint32_t>(query.position));
    }
  }
  for (const uint64_t position : duplicates_) emit(earliest_.at(codes_.code(position)), position, 0);
  next_ = batch_end_;
  return pairs_;
}

}  // namespace

void pairs_of_range(const CodeFile& codes, uint64_t first, uint64_t last, int radius, const PairVisitor& visitor,
                    const ScanOptions& options) {
  last = std::min(last, codes.size());
  if (radius < 0 || first >= last) return;
  PairSearch search(codes, first, last, radius, options, visitor);
  while (!search.done()) {
    std::span<const PairHit> pairs = search.next_batch();
    for (; !pairs.empty(); pairs = pairs.subspan(std::min(kVisitPairs, pairs.size()))) {
      if (!visitor.pairs(pairs.first(std::min(kVisitPairs, pairs.size())))) return;
    }
  }
}

}  // namespace pairloom::search

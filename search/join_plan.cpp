#include "search/join_plan.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "search/bit_partition.h"
#include "search/kernels.h"

namespace pairloom::search {

namespace {

constexpr uint64_t kSampleCodes = 8192;
constexpr int kMaxEqual = 5;
constexpr uint64_t kMinPieceCodes = 100'000;  // a piece reads the word of every code once: it should be worth that
constexpr uint64_t kBytesPerItem = 16;  // of a piece: 12 where it is gathered, and its largest bucket sorted again
constexpr int kPiecesPerWorker = 8;

// Seconds per unit of work, by measurement (docs/benchmarks.md); only their ratios matter.
struct Rates {
  double tile_pair, scan_pair_64, scan_pair_256;
};
Rates rates_of(Kernel kernel) {
  switch (kernel) {
    case Kernel::kAvx512:
      return {0.08e-9, 0.06e-9, 0.12e-9};
    case Kernel::kAvx2:
      return {0.2e-9, 0.19e-9, 0.36e-9};
    case Kernel::kNeon:  // not measured: no such machine at hand
      return {0.5e-9, 0.5e-9, 0.9e-9};
    case Kernel::kPortable:
      break;
  }
  return {1.4e-9, 1.4e-9, 2.3e-9};
}
// To make a plan from a sample: comparing everything is not worth it when it takes less.
constexpr double kPlanningSeconds = 10e-3;
constexpr double kSortItem = 2.0e-9;
constexpr double kCompareItem = 1.5e-9;  // of every bucket of e blocks, besides its pairs
constexpr double kCompareBucket = 20e-9;
constexpr double kGatherItem = 1.5e-9;  // of every code in the file, for each piece
constexpr double kLookAtPair = 40e-9;   // near in one word: the whole codes are fetched and compared

// What a sample of the codes says about one word.
class WordSample {
 public:
  WordSample(std::vector<uint64_t> words) : words_(std::move(words)), count_(static_cast<uint32_t>(words_.size())) {
    words_.resize(words_.size() + kTileOverread);
    positions_.resize(words_.size());
  }
  double pairs() const { return static_cast<double>(count_) * (count_ - 1.0) / 2; }

  // The share of all pairs that a join compares: those that meet in a bucket, once for every time they meet.
  double share_compared(const WordPlan& plan) {
    levels_.resize(static_cast<size_t>(plan.equal) + 1);
    const WordCut cut(plan.blocks());
    return pairs() == 0 ? 0 : count_meetings({words_.data(), positions_.data()}, count_, cut, plan.equal, 0) / pairs();
  }

  // The share of all pairs that are near in this word.
  double share_near(int radius, Kernel kernel) const {
    const TileFunction tile = tile_function(kernel);
    std::vector<TileMatch> matches(size_t{kTileRows} * (count_ + kTileRows));
    size_t near = 0;
    for (uint32_t row = 0; row < count_; row += kTileRows) {
      near += tile(&words_[row], std::min(kTileRows, count_ - row), words_.data(), row, true, radius, matches.data());
    }
    return pairs() == 0 ? 0 : static_cast<double>(near) / pairs();
  }

  // Cuts the values of a block so that about `parts` equal parts of the codes come of it.
  std::vector<uint32_t> cut_keys(const WordCut& cut, int block, uint64_t parts) const {
    std::vector<uint32_t> histogram(cut.keys(block));
    for (uint32_t i = 0; i < count_; ++i) ++histogram[cut.key(words_[i], block)];
    std::vector<uint32_t> ends;
    uint64_t seen = 0;
    for (uint32_t key = 0; key < histogram.size(); ++key) {
      seen += histogram[key];
      if (seen * parts >= uint64_t{count_} * (ends.size() + 1) && ends.size() + 1 < parts) ends.push_back(key + 1);
    }
    if (ends.empty() || ends.back() != histogram.size()) ends.push_back(static_cast<uint32_t>(histogram.size()));
    return ends;
  }

 private:
  double count_meetings(const CodeItems& items, uint32_t count, const WordCut& cut, int equal, int start) {
    if (equal == 0) return count * (count - 1.0) / 2;
    BitPartition& level = levels_[static_cast<size_t>(equal)];
    double meetings = 0;
    for (int block = start; block <= cut.blocks() - equal; ++block) {
      level.sort(items, count, cut, block);
      for (uint32_t bucket = 0; bucket < level.bucket_count(); ++bucket) {
        if (level.size(bucket) < 2) continue;
        meetings += count_meetings(level.items(bucket), level.size(bucket), cut, equal - 1, block + 1);
      }
    }
    return meetings;
  }

  std::vector<uint64_t> words_;  // and kTileOverread more
  uint32_t count_;
  std::vector<uint32_t> positions_;
  std::vector<BitPartition> levels_;
};

std::vector<WordSample> take_sample(const CodeFile& codes, uint64_t count) {
  const int words = codes.bits() / 64;
  std::vector<Code> sample;
  const uint64_t step = std::max<uint64_t>(1, count / kSampleCodes);
  uint64_t block = 0;
  for (uint64_t position = step / 2; position < count; position += step) {
    if ((codes.flags(position) & kLowInformation) == 0) sample.push_back(codes.code(position));
    if (std::exchange(block, position / kBlockCodes) != block) codes.release_pages();  // memory for one block, not all
  }
  codes.release_pages();
  std::sort(sample.begin(), sample.end());
  sample.erase(std::unique(sample.begin(), sample.end()), sample.end());
  std::vector<WordSample> by_word;
  for (size_t w = 0; w < static_cast<size_t>(words); ++w) {
    std::vector<uint64_t> of_word;
    for (const Code& code : sample) of_word.push_back(join_word(code.words[w], codes.bits()));
    by_word.emplace_back(std::move(of_word));
  }
  return by_word;
}

double choose(int n, int k) {
  double c = 1;
  for (int i = 1; i <= k; ++i) c = c * (n - k + i) / i;
  return c;
}

// What is to be compared: codes from `first_row` on, with all before them.
struct Comparisons {
  explicit Comparisons(const PairingRequest& request)
      : first_row(request.known.radius >= static_cast<int>(request.radius) ? std::min(request.known.positions, request.count)
                                                                           : 0),
        rows(static_cast<double>(request.count - first_row)),
        pairs(rows * (static_cast<double>(request.count) - rows / 2)) {}
  double seconds(int bits, const Rates& rates) const { return pairs * (bits == 64 ? rates.scan_pair_64 : rates.scan_pair_256); }

  uint64_t first_row;
  double rows, pairs;
};

// By comparing everything.
PairingPlan plan_scan(const CodeFile& codes, const PairingRequest& request) {
  const Comparisons all(request);
  PairingPlan plan;
  plan.join.radius = request.radius;
  plan.first_scanned = all.first_row;
  plan.seconds = plan.scan_seconds = all.seconds(codes.bits(), rates_of(request.kernel));
  return plan;
}

class Planner {
 public:
  Planner(const CodeFile& codes, const PairingRequest& request)
      : request_(request),
        bits_(codes.bits()),
        rates_(rates_of(request.kernel)),
        samples_(take_sample(codes, request.count)),
        all_(request) {}

  // A plan to compare everything becomes one to join.
  PairingPlan plan(PairingPlan plan) {
    plan.by_join = true;
    plan.seconds = 0;
    const int words = bits_ / 64;
    const int near = (static_cast<int>(request_.radius) + 1) / words,
              more = (static_cast<int>(request_.radius) + 1) % words;
    for (int w = 0; w < words; ++w) {
      WordPlan& word = plan.join.words[static_cast<size_t>(w)];
      word.radius = static_cast<int8_t>(near + (w < more ? 1 : 0) - 1);
      if (word.radius >= 0) plan.seconds += choose_equal(samples_[static_cast<size_t>(w)], word);
    }
    for (int w = 0; w < words; ++w) add_pieces(static_cast<uint8_t>(w), plan);
    return plan;
  }

 private:
  // Sets the number of equal blocks that is cheapest for this word; returns the estimate in seconds.
  double choose_equal(WordSample& sample, WordPlan& word) const {
    double best = INFINITY;
    WordPlan chosen = word;
    for (int equal = 1; equal <= kMaxEqual; ++equal) {
      word.equal = static_cast<uint8_t>(equal);
      if (word.blocks() < 64 / kMaxBlockBits) continue;
      const double sorts = seconds_sorting(word);
      if (sorts >= best) continue;
      const double seconds = sorts + all_.pairs * sample.share_compared(word) * rates_.tile_pair;
      if (seconds < best) {
        best = seconds;
        chosen = word;
      }
    }
    word = chosen;
    const double near = bits_ > 64 ? all_.pairs * sample.share_near(word.radius, request_.kernel) : 0;
    return best + near * kLookAtPair;
  }

  // Every choice of 1, 2 ... e blocks that can still become e equal ones is a sort of all codes; but only of those in
  // buckets with a new code in them.
  double seconds_sorting(const WordPlan& word) const {
    const auto n = static_cast<double>(request_.count);
    double seconds = (word.radius + 1) * n * kGatherItem;
    for (int depth = 1; depth <= word.equal; ++depth) {
      const double buckets = std::exp2(64.0 * (depth - 1) / word.blocks());
      seconds += choose(word.radius + depth, depth) * n * std::min(1.0, all_.rows / buckets) * kSortItem;
    }
    const double buckets = std::min(all_.rows / 2, std::exp2(64.0 * word.equal / word.blocks()));
    seconds += choose(word.blocks(), word.equal) * (all_.rows * kCompareItem + buckets * kCompareBucket);
    return seconds;
  }

  // The share of the work of a word that begins with this block: by the number of choices of e blocks.
  static double share_of_block(const WordPlan& word, int block) {
    return choose(word.blocks() - block - 1, word.equal - 1) / choose(word.blocks(), word.equal);
  }

  void add_pieces(uint8_t w, PairingPlan& plan) const {
    const WordPlan& word = plan.join.words[w];
    if (word.radius < 0) return;
    const WordCut cut(word.blocks());
    const auto workers = static_cast<uint64_t>(std::max(1, request_.workers));
    const uint64_t most_codes = std::max(kMinPieceCodes, request_.memory_bytes / workers / kBytesPerItem);
    const uint64_t for_memory = (request_.count + most_codes - 1) / most_codes;
    const uint64_t worthwhile = std::max<uint64_t>(1, request_.count / kMinPieceCodes);
    for (int block = 0; block <= word.radius; ++block) {
      const double share = share_of_block(word, block) / std::max(1, bits_ / 64);
      const auto for_balance =
          workers == 1 ? 1 : static_cast<uint64_t>(share * kPiecesPerWorker * static_cast<double>(workers)) + 1;
      const uint64_t parts = std::max(for_memory, std::min(for_balance, worthwhile));
      uint32_t first = 0;
      const std::vector<uint32_t> ends = samples_[w].cut_keys(cut, block, parts);
      for (const uint32_t end : ends) {
        plan.pieces.push_back({w, static_cast<uint8_t>(block), first, end});
        plan.shares.push_back(share / static_cast<double>(ends.size()));
        first = end;
      }
    }
  }

  const PairingRequest& request_;
  const int bits_;
  const Rates rates_;
  std::vector<WordSample> samples_;
  const Comparisons all_;
};

}  // namespace

PairingPlan plan_join(const CodeFile& codes, const PairingRequest& request) {
  return Planner(codes, request).plan(plan_scan(codes, request));
}

PairingPlan plan_pairing(const CodeFile& codes, const PairingRequest& request) {
  const PairingPlan scan = plan_scan(codes, request);
  if (request.radius == 0 || scan.seconds < kPlanningSeconds) return scan;
  PairingPlan join = Planner(codes, request).plan(scan);
  return join.seconds < scan.seconds ? join : scan;
}

void find_all_pairs(const CodeFile& codes, const PairingRequest& request, const PairVisitor& visitor,
                    const std::function<void(double)>& done) {
  constexpr uint64_t kScanCodes = 4096;
  const PairingPlan plan = plan_pairing(codes, request);
  bool go_on = true;
  const PairVisitor stoppable{[&](std::span<const PairHit> hits) { return go_on = visitor.pairs(hits); },
                              visitor.crowded, visitor.progress};
  if (!plan.by_join) {
    for (uint64_t first = plan.first_scanned; first < request.count && go_on; first += kScanCodes) {
      const uint64_t last = std::min(request.count, first + kScanCodes);
      pairs_of_range(codes, first, last, static_cast<int>(request.radius), stoppable, {.kernel = request.kernel});
      if (done) done(static_cast<double>(last) * static_cast<double>(last) / std::pow(request.count, 2));
    }
    return;
  }
  const auto take_equal = [&](uint64_t representative, uint64_t equal) {
    if (!go_on || (equal < request.known.positions && request.known.radius >= 0)) return;
    const PairHit hit{static_cast<uint32_t>(representative), static_cast<uint32_t>(equal), 0};
    stoppable.pairs({&hit, 1});
  };
  const auto distinct = DistinctCodes::find(codes, request.count, false, take_equal, visitor.progress);
  BandedJoin join(codes, distinct, plan.join, {.known = request.known, .kernel = request.kernel});
  double share = 0;
  for (size_t i = 0; i < plan.pieces.size() && go_on; ++i) {
    join.run(plan.pieces[i], stoppable);
    share += plan.shares[i];
    if (done) done(share);
  }
}

}  // namespace pairloom::search

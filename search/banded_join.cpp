#include "search/banded_join.h"

#include <algorithm>

#include "search/bit_partition.h"
#include "search/kernels.h"

namespace pairloom::search {

namespace {

constexpr uint32_t kFirstColumns = 128;  // compared before looking whether the rows are crowded; then more and more
constexpr uint32_t kMaxColumns = 1024;
constexpr size_t kVisitPairs = 4096;
constexpr uint64_t kProgressComparisons = 1u << 24;  // a few ms with SIMD

}  // namespace

bool is_complete(const JoinPlan& plan, int bits) {
  int covered = 0;  // differing bits that fit into the words without any of them being near
  for (int w = 0; w < bits / 64; ++w) {
    const WordPlan& word = plan.words[static_cast<size_t>(w)];
    if (word.radius < -1 || word.radius >= 64) return false;
    covered += word.radius + 1;
    if (word.radius < 0) continue;
    if (word.equal < 1 || word.blocks() > 64 || word.blocks() < 64 / kMaxBlockBits) return false;
  }
  return covered > static_cast<int>(plan.radius);
}

bool is_valid(const JoinPiece& piece, const JoinPlan& plan) {
  if (piece.word >= plan.words.size()) return false;
  const WordPlan& word = plan.words[piece.word];
  if (word.radius < 0 || piece.block > word.radius) return false;
  const int bits = first_bit(piece.block + 1, word.blocks()) - first_bit(piece.block, word.blocks());
  return piece.first_key < piece.last_key && piece.last_key <= (1u << bits);
}

class BandedJoin::Piece {
 public:
  Piece(const CodeFile& codes, const DistinctCodes& distinct, const JoinPlan& plan, const Options& options)
      : codes_(codes),
        distinct_(distinct),
        plan_(plan),
        options_(options),
        tile_(tile_function(options.kernel)),
        first_row_(options.known.radius >= static_cast<int>(plan.radius) ? options.known.positions : 0),
        matches_(std::make_unique_for_overwrite<TileMatch[]>(size_t{kTileRows} * (kMaxColumns + kTileRows))) {}

  void run(const JoinPiece& piece, const PairVisitor& visitor);

 private:
  // The rows of a tile under way: later codes, each of which looks for its earlier neighbours.
  struct Rows {
    uint32_t first = 0;
    uint32_t live = 0;                             // not crowded, as far as is known
    std::array<uint32_t, kTileRows> neighbours{};  // met in this bucket
    std::array<bool, kTileRows> loaded{};
    std::array<Code, kTileRows> codes;  // where loaded
  };
  static constexpr uint8_t kCrowded = 255;
  static_assert(kMaxNeighbours < kCrowded);

  bool descend(const CodeItems& items, uint32_t count, int start, int depth);
  bool tile(const CodeItems& items, uint32_t count, int depth);
  bool tile_rows(const CodeItems& items, uint32_t first_row, uint32_t rows, int depth);
  void start_rows(uint32_t first, uint32_t count);
  void take(const CodeItems& items, const TileMatch& match, int depth);
  bool is_first_meeting(uint64_t difference, const Code& row, uint32_t column_position, int depth) const;
  void set_crowded(uint32_t position);
  bool flush();
  void count_comparisons(uint64_t comparisons);

  const CodeFile& codes_;
  const DistinctCodes& distinct_;
  const JoinPlan plan_;
  const Options options_;
  const TileFunction tile_;
  const uint64_t first_row_;  // earlier codes look for nobody
  const std::unique_ptr<TileMatch[]> matches_;

  WordCut cut_;                       // of the word in work
  int word_ = 0, radius_ = 0;         // its number and radius
  std::array<int, 64> prefix_{};      // the blocks in which the codes of this bucket are equal
  std::vector<BitPartition> levels_;  // buckets by one block, two blocks ...
  std::vector<uint8_t> reported_;     // pairs of each code in this piece, or kCrowded
  bool any_crowded_ = false;
  Rows rows_;
  std::vector<PairHit> pairs_;
  const PairVisitor* visitor_ = nullptr;
  uint64_t comparisons_ = 0;  // since the last sign of life
};

void BandedJoin::Piece::run(const JoinPiece& piece, const PairVisitor& visitor) {
  const WordPlan& word = plan_.words[piece.word];
  visitor_ = &visitor;
  word_ = piece.word;
  radius_ = word.radius;
  cut_ = WordCut(word.blocks());
  levels_.resize(word.equal + size_t{1});
  reported_.assign(distinct_.count(), 0);
  any_crowded_ = false;
  pairs_.clear();

  levels_[1].gather(codes_, distinct_, piece, cut_, [&] { count_comparisons(kProgressComparisons); });
  prefix_[0] = piece.block;
  bool go_on = true;
  for (uint32_t bucket = 0; bucket < levels_[1].bucket_count() && go_on; ++bucket) {
    go_on = descend(levels_[1].items(bucket), levels_[1].size(bucket), piece.block + 1, 1);
  }
  if (go_on) flush();
}

// The codes of `items` are equal in the blocks prefix_[0 .. depth); further ones are chosen from `start` on.
bool BandedJoin::Piece::descend(const CodeItems& items, uint32_t count, int start, int depth) {
  if (count < 2 || (first_row_ > 0 && items.positions[count - 1] < first_row_)) return true;
  const int equal = plan_.words[static_cast<size_t>(word_)].equal;
  const int end = cut_.blocks() - (equal - depth) + 1;  // of the choices for the next block
  if (depth == equal || is_cheaper_to_tile(count, end - start, cut_.keys(start))) return tile(items, count, depth);
  BitPartition& next = levels_[static_cast<size_t>(depth) + 1];
  for (int block = start; block < end; ++block) {
    next.sort(items, count, cut_, block);
    prefix_[static_cast<size_t>(depth)] = block;
    for (uint32_t bucket = 0; bucket < next.bucket_count(); ++bucket) {
      if (next.size(bucket) < 2) continue;
      if (!descend(next.items(bucket), next.size(bucket), block + 1, depth + 1)) return false;
    }
  }
  return true;
}

bool BandedJoin::Piece::tile(const CodeItems& items, uint32_t count, int depth) {
  uint32_t first = 0;
  if (first_row_ > 0) {
    const uint32_t* const row = std::lower_bound(items.positions, items.positions + count, first_row_);
    first = static_cast<uint32_t>(row - items.positions);
  }
  for (; first < count; first += kTileRows) {
    const uint32_t rows = std::min(kTileRows, count - first);
    if (first > kFirstColumns) {
      if (!tile_rows(items, first, rows, depth)) return false;
      continue;
    }
    // Most buckets are small, and most hold nothing: no more is done for them than this.
    const size_t found = tile_(items.words + first, rows, items.words, first, true, radius_, matches_.get());
    count_comparisons(uint64_t{kTileRows} * (first + kTileRows));
    if (found == 0) continue;
    start_rows(first, rows);
    for (size_t m = 0; m < found; ++m) take(items, matches_[m], depth);
    if (pairs_.size() >= kVisitPairs && !flush()) return false;
  }
  return true;
}

// The same with many columns: as soon as all rows are crowded, the rest is left out.
bool BandedJoin::Piece::tile_rows(const CodeItems& items, uint32_t first_row, uint32_t rows, int depth) {
  start_rows(first_row, rows);
  if (any_crowded_) {
    for (uint32_t r = 0; r < rows; ++r) rows_.live -= reported_[items.positions[first_row + r]] == kCrowded;
  }
  uint32_t columns = kFirstColumns;
  for (uint32_t first = 0; rows_.live > 0; first += columns, columns = std::min(2 * columns, kMaxColumns)) {
    const bool last = first_row - first <= columns;
    const uint32_t count = last ? first_row - first : columns;
    const size_t found =
        tile_(items.words + first_row, rows, items.words + first, count, last, radius_, matches_.get());
    for (size_t m = 0; m < found; ++m) {
      TileMatch match = matches_[m];
      match.column += first;
      take(items, match, depth);
    }
    count_comparisons(uint64_t{kTileRows} * (count + kTileRows));
    if (pairs_.size() >= kVisitPairs && !flush()) return false;
    if (last) break;
  }
  return true;
}

void BandedJoin::Piece::start_rows(uint32_t first, uint32_t count) {
  rows_.first = first;
  rows_.live = count;
  rows_.neighbours.fill(0);
  rows_.loaded.fill(false);
}

void BandedJoin::Piece::take(const CodeItems& items, const TileMatch& match, int depth) {
  const uint32_t row = rows_.first + match.row;
  const uint32_t position = items.positions[row], other = items.positions[match.column];
  uint8_t& reported = reported_[position];
  if (reported == kCrowded) return;
  uint32_t distance = match.distance;
  Code& code = rows_.codes[match.row];
  if (codes_.bits() > 64) {
    if (!rows_.loaded[match.row]) {
      code = codes_.code(position);
      rows_.loaded[match.row] = true;
    }
    const CodeBlock block = codes_.block(other / kBlockCodes);
    for (int w = 1; w < codes_.bits() / 64; ++w) {  // most are ruled out by the next word: one line of memory
      const auto next = static_cast<size_t>(word_ + w) % plan_.words.size();
      distance +=
          static_cast<uint32_t>(__builtin_popcountll(code.words[next] ^ block.words[next][other % kBlockCodes]));
      if (distance > plan_.radius) return;
    }
  }
  // Neighbours met in one bucket are different codes, and so are those reported: more than the most that are kept is
  // proof that there are more.
  if (++rows_.neighbours[match.row] > options_.max_neighbours) return set_crowded(position);
  if (position < options_.known.positions && static_cast<int>(distance) <= options_.known.radius) return;
  if (!is_first_meeting(items.words[row] ^ items.words[match.column], code, other, depth)) return;
  if (reported == options_.max_neighbours) return set_crowded(position);
  ++reported;
  pairs_.push_back({other, position, distance});
}

// Each pair meets in every bucket of equal blocks of every near word; it counts in the first.
bool BandedJoin::Piece::is_first_meeting(uint64_t difference, const Code& row, uint32_t column_position,
                                         int depth) const {
  for (int block = 0, equal = 0; equal < depth; ++block) {
    if (!cut_.is_equal(difference, block)) continue;
    if (prefix_[static_cast<size_t>(equal)] != block) return false;
    ++equal;
  }
  if (word_ == 0) return true;
  const Code column = codes_.code(column_position);
  for (size_t w = 0; w < static_cast<size_t>(word_); ++w) {
    if (__builtin_popcountll(row.words[w] ^ column.words[w]) <= plan_.words[w].radius) return false;
  }
  return true;
}

void BandedJoin::Piece::set_crowded(uint32_t position) {
  reported_[position] = kCrowded;
  any_crowded_ = true;
  --rows_.live;
  if (visitor_->crowded) visitor_->crowded(position);
}

bool BandedJoin::Piece::flush() {
  for (std::span<const PairHit> rest(pairs_); !rest.empty(); rest = rest.subspan(std::min(kVisitPairs, rest.size()))) {
    if (!visitor_->pairs(rest.first(std::min(kVisitPairs, rest.size())))) return false;
  }
  pairs_.clear();
  return true;
}

void BandedJoin::Piece::count_comparisons(uint64_t comparisons) {
  comparisons_ += comparisons;
  if (comparisons_ < kProgressComparisons) return;
  comparisons_ = 0;
  if (visitor_->progress) visitor_->progress();
}

BandedJoin::BandedJoin(const CodeFile& codes, const DistinctCodes& distinct, const JoinPlan& plan,
                       const Options& options)
    : piece_(std::make_unique<Piece>(codes, distinct, plan, options)) {}
BandedJoin::~BandedJoin() = default;

void BandedJoin::run(const JoinPiece& piece, const PairVisitor& visitor) {
  piece_->run(piece, visitor);
}

}  // namespace pairloom::search

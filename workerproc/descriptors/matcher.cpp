#include "workerproc/descriptors/matcher.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>

#include "workerproc/decode/clones.h"

namespace pairloom::workerproc {
namespace {

// The term of a column that is not there: farther than any that is (255^2 * 4096 < 2^29), whatever the row adds.
constexpr int32_t kAbsent = 1 << 30;
constexpr int32_t kFarthest = 1 << 29;

// Bytes aligned as the kernels want them, reused.
class AlignedBytes {
 public:
  uint8_t* resize(size_t bytes) {
    if (bytes > room_) {
      bytes_.reset(static_cast<uint8_t*>(::operator new (bytes, std::align_val_t{64})));
      room_ = bytes;
    }
    return bytes_.get();
  }
  const uint8_t* get() const { return bytes_.get(); }

 private:
  struct Delete {
    void operator()(uint8_t* bytes) const { ::operator delete (bytes, std::align_val_t{64}); }
  };
  std::unique_ptr<uint8_t, Delete> bytes_;
  size_t room_ = 0;
};

// The nearest columns of a row, as far as looked at: one answer for each place in a block, joined at the end.
struct RowNearest {
  alignas(64) int32_t distance[kBlockColumns];
  alignas(64) int32_t second[kBlockColumns];  // the second smallest distance
  alignas(64) int32_t column[kBlockColumns];
};
// The nearest row of each column of a block.
struct ColumnNearest {
  alignas(64) int32_t distance[kBlockColumns];
  alignas(64) int32_t row[kBlockColumns];
};

struct Nearest {
  int32_t distance = kAbsent, second = kAbsent, column = -1;
};

constexpr size_t round_up(size_t n, size_t step) {
  return (n + step - 1) / step * step;
}

// What a descriptor adds to a distance besides the product: |a|^2, or its number of bits. The columns of kL2 hold b -
// 128 (signed, as the kernels want it), so that a.b = a.(b - 128) + 128 sum(a): the rows carry that sum.
int32_t term_of(Norm norm, const uint8_t* descriptor, size_t bytes, bool is_row) {
  int32_t term = 0;
  for (size_t i = 0; i < bytes; ++i) {
    const int32_t value = descriptor[i];
    if (norm == Norm::kHamming)
      term += std::popcount(static_cast<uint32_t>(value));
    else
      term += value * value - (is_row ? 256 * value : 0);
  }
  return term;
}

// Takes the distances of a tile of rows to a block of columns into account. Plain loops over the block: the compiler
// makes vectors of them.
PAIRLOOM_CLONES void note_tile(const int32_t (&products)[kTileRows][kBlockColumns], const int32_t* row_terms,
                               const int32_t* column_terms, int32_t first_row, int32_t row_count, int32_t first_column,
                               RowNearest* rows, ColumnNearest& columns) {
  for (int32_t r = 0; r < row_count; ++r) {
    RowNearest& near = rows[r];
    for (int32_t c = 0; c < static_cast<int32_t>(kBlockColumns); ++c) {
      const int32_t distance = row_terms[r] + column_terms[c] - 2 * products[r][c];
      // Strictly nearer, rows and columns in ascending order: the lowest index wins.
      const bool nearer = distance < near.distance[c];
      const int32_t other = nearer ? near.distance[c] : distance;
      near.second[c] = other < near.second[c] ? other : near.second[c];
      near.column[c] = nearer ? first_column + c : near.column[c];
      near.distance[c] = nearer ? distance : near.distance[c];
      const bool nearest_row = distance < columns.distance[c];
      columns.row[c] = nearest_row ? first_row + r : columns.row[c];
      columns.distance[c] = nearest_row ? distance : columns.distance[c];
    }
  }
}

Nearest join(const RowNearest& places) {
  Nearest nearest;
  for (size_t c = 0; c < kBlockColumns; ++c) {
    const int32_t distance = places.distance[c];
    const bool nearer =
        distance < nearest.distance || (distance == nearest.distance && places.column[c] < nearest.column);
    nearest.second = std::min({nearest.second, places.second[c], nearer ? nearest.distance : distance});
    if (!nearer) continue;
    nearest.distance = distance;
    nearest.column = places.column[c];
  }
  return nearest;
}

}  // namespace

struct Matcher::State {
  Norm norm;
  ProductTile products;
  size_t bytes, row_count;
  std::vector<uint8_t> rows;  // filled up to whole tiles
  std::vector<int32_t> row_terms;

  // Of the image at hand.
  AlignedBytes blocks;
  std::vector<int32_t> column_terms;
  std::vector<ColumnNearest> columns;
  std::vector<Nearest> nearest;  // of each row
  std::vector<Match> matches;

  void interleave(Descriptors image) {
    const size_t columns_up = round_up(image.rows, kBlockColumns);
    uint8_t* to = blocks.resize(columns_up * bytes);
    std::memset(to, 0, columns_up * bytes);
    const uint8_t flip = norm == Norm::kL2 ? 0x80 : 0;  // b - 128 as a signed byte
    column_terms.assign(columns_up, kAbsent);
    for (size_t c = 0; c < image.rows; ++c) {
      const uint8_t* from = image.data + c * bytes;
      uint8_t* column = to + c / kBlockColumns * kBlockColumns * bytes + c % kBlockColumns * kGroupBytes;
      for (size_t i = 0; i < bytes; ++i)
        column[i / kGroupBytes * kBlockColumns * kGroupBytes + i % kGroupBytes] = from[i] ^ flip;
      column_terms[c] = term_of(norm, from, bytes, false);
    }
  }

  // Fills `nearest` and `columns`.
  void search(size_t image_rows) {
    const size_t block_count = round_up(image_rows, kBlockColumns) / kBlockColumns;
    columns.resize(block_count);
    for (ColumnNearest& block : columns) {
      std::fill_n(block.distance, kBlockColumns, std::numeric_limits<int32_t>::max());
      std::fill_n(block.row, kBlockColumns, -1);
    }
    nearest.clear();
    alignas(64) int32_t tile[kTileRows][kBlockColumns];
    RowNearest places[kTileRows];
    for (size_t first = 0; first < row_count; first += kTileRows) {
      const size_t count = std::min(kTileRows, row_count - first);
      for (RowNearest& row : places) {
        std::fill_n(row.distance, kBlockColumns, std::numeric_limits<int32_t>::max());
        std::fill_n(row.second, kBlockColumns, std::numeric_limits<int32_t>::max());
        std::fill_n(row.column, kBlockColumns, -1);
      }
      for (size_t b = 0; b < block_count; ++b) {
        products(rows.data() + first * bytes, blocks.get() + b * kBlockColumns * bytes, bytes / kGroupBytes, tile);
        note_tile(tile, row_terms.data() + first, column_terms.data() + b * kBlockColumns, static_cast<int32_t>(first),
                  static_cast<int32_t>(count), static_cast<int32_t>(b * kBlockColumns), places, columns[b]);
      }
      for (size_t r = 0; r < count; ++r) nearest.push_back(join(places[r]));
    }
  }

  double length_of(int32_t distance) const {
    const auto value = static_cast<float>(distance);
    return norm == Norm::kL2 ? std::sqrt(value) : value;  // as OpenCV rounds it
  }

  bool passes(size_t row, const MatchRules& rules) const {
    const Nearest& near = nearest[row];
    if (near.distance >= kFarthest) return false;  // there is no column
    const auto column = static_cast<size_t>(near.column);
    if (rules.cross_check && columns[column / kBlockColumns].row[column % kBlockColumns] != static_cast<int32_t>(row))
      return false;
    return rules.ratio == 0 ||
           (near.second < kFarthest && length_of(near.distance) < rules.ratio * length_of(near.second));
  }
};

Matcher::Matcher(Norm norm, Descriptors reference, MatchKernel kernel) : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.norm = norm;
  s.products = product_tile(kernel, norm);
  s.bytes = reference.bytes;
  s.row_count = reference.rows;
  const size_t used = s.row_count * s.bytes;
  s.rows.resize(round_up(s.row_count, kTileRows) * s.bytes);
  if (used > 0) std::memcpy(s.rows.data(), reference.data, used);
  for (size_t r = 0; r < s.row_count; ++r)
    s.row_terms.push_back(term_of(norm, s.rows.data() + r * s.bytes, s.bytes, true));
}

Matcher::~Matcher() = default;
Matcher::Matcher(Matcher&&) noexcept = default;
Matcher& Matcher::operator=(Matcher&&) noexcept = default;

size_t Matcher::reference_rows() const {
  return state_->row_count;
}

std::span<const Match> Matcher::match(Descriptors image, const MatchRules& rules) {
  State& s = *state_;
  s.matches.clear();
  if (image.rows == 0 || s.row_count == 0) return s.matches;
  s.interleave(image);
  s.search(image.rows);
  for (size_t row = 0; row < s.row_count; ++row)
    if (s.passes(row, rules))
      s.matches.push_back({static_cast<uint32_t>(row), static_cast<uint32_t>(s.nearest[row].column),
                           static_cast<uint32_t>(s.nearest[row].distance)});
  return s.matches;
}

}  // namespace pairloom::workerproc

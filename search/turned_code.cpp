#include "search/turned_code.h"

#include <array>

namespace pairloom::search {
namespace {

struct Turn {
  bool transposed, rows_mirrored, columns_mirrored;
};
// By EXIF number: workerproc/extract/orientation.h.
constexpr std::array<Turn, 9> kTurns = {{{false, false, false},
                                         {false, false, false},
                                         {false, false, true},
                                         {false, true, true},
                                         {false, true, false},
                                         {true, false, false},
                                         {true, true, false},
                                         {true, true, true},
                                         {true, false, true}}};

}  // namespace

std::optional<Code> turned_code(const Code& code, Algorithm algorithm, uint8_t orientation) {
  const bool of_terms = algorithm == Algorithm::kPdq || algorithm == Algorithm::kPhash || algorithm == Algorithm::kPhash256;
  if (!of_terms || orientation < 1 || orientation > 8) return std::nullopt;
  const Turn& turn = kTurns[orientation];
  const size_t terms = info(algorithm).bits == 64 ? 8 : 16;
  Code turned;
  for (size_t v = 0; v < terms; ++v)
    for (size_t u = 0; u < terms; ++u) {
      const size_t row = turn.transposed ? u : v, column = turn.transposed ? v : u;
      const bool negative = (turn.rows_mirrored && row % 2 == 0) != (turn.columns_mirrored && column % 2 == 0);
      const size_t from = row * terms + column, to = v * terms + u;
      const bool bit = (code.words[from / 64] >> (from % 64) & 1) != 0;
      turned.words[to / 64] |= uint64_t{bit != negative} << (to % 64);
    }
  return turned;
}

}  // namespace pairloom::search

// A picture mirrored or rotated: the view of it, and its DCT terms out of those of the picture. Runs in: worker only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "workerproc/extract/orientation.h"

namespace pairloom::workerproc {

// The same picture turned once more: as it would be shown if what `view` shows were stored with this EXIF orientation.
View turned(const View& view, uint8_t exif);

// The DCT terms of a turned picture out of those of the picture: `terms` is `kTerms` x `kTerms`, row v and column u hold
// the frequencies v + 1 and u + 1. Mirroring an axis changes the sign of its odd frequencies.
template <size_t kTerms, class Term>
void turn_terms(const Term* terms, const Orientation& turn, Term* out) {
  for (size_t v = 0; v < kTerms; ++v)
    for (size_t u = 0; u < kTerms; ++u) {
      const size_t row = turn.transposed ? u : v, column = turn.transposed ? v : u;
      const bool negative = (turn.rows_mirrored && row % 2 == 0) != (turn.columns_mirrored && column % 2 == 0);
      const Term term = terms[row * kTerms + column];
      out[v * kTerms + u] = negative ? -term : term;
    }
}

}  // namespace pairloom::workerproc

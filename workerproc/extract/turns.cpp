#include "workerproc/extract/turns.h"

#include <utility>

namespace pairloom::workerproc {

View turned(const View& view, uint8_t exif) {
  Orientation turn = orientation_from_exif(exif);
  if (view.transposed) std::swap(turn.rows_mirrored, turn.columns_mirrored);  // shown rows are stored columns
  View result = view;
  result.rows.mirrored = view.rows.mirrored != turn.rows_mirrored;
  result.columns.mirrored = view.columns.mirrored != turn.columns_mirrored;
  result.transposed = view.transposed != turn.transposed;
  return result;
}

}  // namespace pairloom::workerproc

// From the picture as it lies in the file to the picture as it is shown. The hashes read pixels where they lie and turn
// their own small grids instead of the picture. Runs in: worker only.
#pragma once

#include <cstdint>

#include "workerproc/decode/decode.h"

namespace pairloom::workerproc {

// EXIF orientation 1..8 (CIPA DC-008-2012, 4.6.4) as three questions. The shown pixel (y, x) is the stored pixel
// (r, c) with (r, c) = transposed ? (x, y) : (y, x), then r and c counted from the far end where mirrored.
struct Orientation {
  bool transposed = false, rows_mirrored = false, columns_mirrored = false;
};
Orientation orientation_from_exif(uint8_t exif);  // anything but 2..8 is upright

// One stored axis of a decoded picture, in the coordinates of the original.
struct Axis {
  uint32_t full_px = 0;     // in the file
  uint32_t decoded_px = 0;  // decoded: each pixel covers `reduction` original ones, the last one what is left
  uint32_t reduction = 1;
  bool mirrored = false;  // shown position p is stored position full_px - 1 - p
};

// A decoded picture and how to look at it. Borrows the picture.
struct View {
  const Picture& picture;
  Axis rows, columns;       // as stored
  bool transposed = false;  // stored rows are shown columns
};
View view_of(const Picture& picture);

}  // namespace pairloom::workerproc

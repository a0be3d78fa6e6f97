#include "workerproc/extract/orientation.h"

namespace pairloom::workerproc {

Orientation orientation_from_exif(uint8_t exif) {
  static constexpr Orientation kTable[9] = {{},
                                            {},
                                            {false, false, true},  // 2: mirrored left to right
                                            {false, true, true},   // 3: turned by 180 degrees
                                            {false, true, false},  // 4: mirrored top to bottom
                                            {true, false, false},  // 5: transposed
                                            {true, true, false},   // 6: to be turned by 90 degrees clockwise
                                            {true, true, true},    // 7: transposed across the other diagonal
                                            {true, false, true}};  // 8: to be turned by 90 degrees counter-clockwise
  return kTable[exif <= 8 ? exif : 0];
}

View view_of(const Picture& picture) {
  const Orientation orientation = orientation_from_exif(picture.orientation);
  return {picture,
          {picture.full_height_px, picture.height_px, picture.reduction, orientation.rows_mirrored},
          {picture.full_width_px, picture.width_px, picture.reduction, orientation.columns_mirrored},
          orientation.transposed};
}

}  // namespace pairloom::workerproc

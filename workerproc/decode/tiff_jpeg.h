// JPEG in TIFF at 1/2, 1/4, 1/8: each strip or tile is a JPEG without its tables, and goes to our JPEG decoder with them,
// instead of through libtiff, which decodes every pixel. Runs in: worker only.
#pragma once

#include <tiffio.h>

#include <cstddef>
#include <cstdint>

#include "workerproc/decode/tiff_rows.h"

namespace pairloom::workerproc {

// Whether the strips or tiles of this directory can be put together to `picture`, which has been begun, `levels` of whose
// reduction the directory has done already: gray or YCbCr, of sizes that are whole blocks.
bool can_reduce_jpegs(TIFF* tiff, const TiffLayout& layout, uint32_t levels, const Picture& picture);

// Decodes them into `picture`. kCorrupt where one cannot be decoded; damage of one is damage of the picture.
Result<> decode_reduced_jpegs(TIFF* tiff, const TiffLayout& layout, uint32_t levels, size_t file_bytes,
                              Picture& picture);

}  // namespace pairloom::workerproc
